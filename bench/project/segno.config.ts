import { defineConfig } from 'segno';
import * as agents from './agents.js';
import * as tools from './tools.js';

export default defineConfig({
  agents,
  tools,
  workflows: ['./workflow.ts', './patternWorkflows.ts', './outageWorkflow.ts'],
});

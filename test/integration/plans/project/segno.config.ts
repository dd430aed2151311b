import { defineConfig } from '../../../../core/index.js';
import * as agents from './agents.js';
import * as tools from './tools.js';

export default defineConfig({
  agents,
  tools,
  workflows: './workflow.ts',
  plans: { shout: './shout.yaml', broken: './broken.json' },
  taskQueue: process.env['SEGNO_TEST_TASK_QUEUE'] ?? 'segno',
});

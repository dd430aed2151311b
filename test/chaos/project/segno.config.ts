import { defineConfig } from 'segno';
import * as agents from './agents.js';
import * as tools from './tools.js';

/** The main job as it is, and small workflows whose effects can be counted. */
export default defineConfig({
  agents,
  tools,
  taskQueue: process.env['SEGNO_TEST_TASK_QUEUE'] ?? 'segno',
  workflows: ['../../../examples/investor-report/workflow.ts', './workflow.ts'],
});

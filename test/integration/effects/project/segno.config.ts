import { defineConfig } from 'segno';
import * as agents from './agents.js';
import * as tools from './tools.js';

export default defineConfig({
  agents,
  tools,
  workflows: new URL('./workflow.ts', import.meta.url).href,
  taskQueue: process.env['SEGNO_TEST_TASK_QUEUE'] ?? 'segno',
});

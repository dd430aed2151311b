import { defineConfig } from '../../../../core/config.js';
import * as tools from './tools.js';

export default defineConfig({
  tools,
  workflows: new URL('./workflow.ts', import.meta.url).href,
  taskQueue: process.env['SEGNO_TEST_TASK_QUEUE'] ?? 'segno',
});

import { defineConfig } from 'segno';
import * as agents from './agents.js';
import * as tools from './tools.js';

export default defineConfig({
  agents,
  tools,
  workflows: new URL('./workflow.ts', import.meta.url).href,
  models: {
    default: { provider: 'offline', model: 'segno-offline', fallback: 'small' },
    small: { provider: 'offline', model: 'segno-offline-small' },
  },
  budgets: { faults: { calls: 1_000, per: 'month' } },
});

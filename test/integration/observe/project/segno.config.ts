import { defineConfig } from '../../../../core/index.js';
import * as agents from './agents.js';
import * as tools from './tools.js';

const baseURL = process.env['OBSERVE_MODEL_URL'] ?? 'http://127.0.0.1:9/v1';
/** The test run's ledger is shared, and with it the gates of providers that are named alike. */
const own = process.env['OBSERVE_PROVIDER'] ?? 'observed';

export default defineConfig({
  agents,
  tools,
  workflows: './workflow.ts',
  models: {
    default: {
      provider: own,
      model: 'large',
      price: { input: 1, output: 10 },
      fallback: 'small',
      limits: { concurrency: 4 },
    },
    small: { provider: own, model: 'small', price: { input: 1, output: 10 } },
  },
  providers: { [own]: { baseURL, breaker: { consecutive: 2, openMs: 60_000 } } },
  budgets: { clerks: { usd: 100, per: 'day' } },
  taskQueue: process.env['SEGNO_TEST_TASK_QUEUE'] ?? 'segno',
});

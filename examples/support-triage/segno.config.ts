import { defineConfig } from 'segno';
import * as agents from './agents.js';

/**
 * No provider: the offline model answers. For a real model, add
 *
 *     providers: { openai: { apiKeyEnv: 'OPENAI_API_KEY' } },
 *     models: { default: { provider: 'openai', model: '…' } },
 */
export default defineConfig({
  agents,
  workflows: './workflow.ts',
  // Models need the problem, not the customer's numbers; and no answer hands out a key that somebody pasted into a ticket.
  guardrails: {
    agents: {
      input: [
        { check: 'pii', action: 'redact' },
        { check: 'secrets', action: 'redact' },
      ],
      output: [{ check: 'secrets' }],
    },
  },
});

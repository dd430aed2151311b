import { z } from 'zod';
import { defineAgent } from '../../../../core/defineAgent.js';

const input = z.object({ case: z.string(), text: z.string().default('') });

export const clerk = defineAgent({
  instructions: 'Answer.',
  input,
  output: z.object({ answer: z.string() }),
  tools: ['send', 'lookUp', 'leak', 'fail'],
  guardrails: {
    input: [
      { check: 'pii', action: 'redact' },
      { check: 'secrets', name: 'no secrets in' },
    ],
    output: [
      { check: 'pii', action: 'redact' },
      { check: 'secrets', name: 'no secrets out' },
    ],
  },
  maxRepairs: 1,
});

/** Has no tools and so goes in batches. */
export const writer = defineAgent({
  instructions: 'Write.',
  input,
  output: z.string(),
  guardrails: { output: [{ check: 'secrets' }] },
  maxRepairs: 1,
});

/** Is given one tool of three. */
export const guest = defineAgent({ instructions: 'Ask.', input, output: z.string(), tools: ['lookUp'] });

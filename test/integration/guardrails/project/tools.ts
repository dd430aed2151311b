import { z } from 'zod';
import { defineTool } from '../../../../core/defineTool.js';

/** Found by the secrets rules; in no history, ledger or log. */
export const canary = `ghp_${'c4Na'.repeat(9)}`;

const input = z.object({ case: z.string(), to: z.string().default(''), text: z.string().default('') });
const calls = new Map<string, unknown[]>();

export function callsOf(name: string): readonly unknown[] {
  return calls.get(name) ?? [];
}

function noteCall(given: z.output<typeof input>): void {
  calls.set(given.case, [...callsOf(given.case), given]);
}

export const send = defineTool({
  description: 'Sends a text.',
  input,
  output: z.string(),
  guardrails: {
    input: [
      { check: 'domains', path: 'to', allow: ['example.com'] },
      { check: 'secrets', path: 'text', action: 'redact' },
    ],
  },
  execute: (given) => {
    noteCall(given);
    return 'sent';
  },
});

/** Quick and pure: written once. */
export const lookUp = defineTool({
  description: 'Looks somebody up.',
  input,
  output: z.object({ found: z.string() }),
  duration: 'quick',
  readOnly: true,
  guardrails: { output: [{ check: 'secrets', action: 'redact' }] },
  execute: (given) => {
    noteCall(given);
    return { found: `Ada, key ${canary}` };
  },
});

/** Takes effect once, and says too much. */
export const leak = defineTool({
  description: 'Leaks.',
  input,
  output: z.object({ found: z.string() }),
  guardrails: { output: [{ check: 'secrets' }] },
  execute: (given) => {
    noteCall(given);
    return { found: canary };
  },
});

export const fail = defineTool({
  description: 'Fails.',
  input,
  output: z.string(),
  readOnly: true,
  guardrails: { output: [{ check: 'secrets' }] },
  execute: () => {
    throw Object.assign(new Error(`no entry with ${canary}`), { nonRetryable: true });
  },
});

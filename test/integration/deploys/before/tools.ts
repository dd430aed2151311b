import { appendFileSync, existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { defineTool } from 'segno';
import { z } from 'zod';

/** One line for each time a tool ran: the version, the tool, the step's key. */
export function note(version: string, tool: string, key: string): void {
  appendFileSync(process.env['DEPLOY_LOG']!, `${version} ${tool} ${key.slice(key.indexOf('/') + 1)}\n`);
}

export const lookUpSupplier = defineTool({
  description: 'What is known of a supplier.',
  input: z.object({ name: z.string() }),
  output: z.object({ trusted: z.boolean() }),
  idempotent: true,
  duration: 'quick',
  execute: (_, { idempotencyKey }) => {
    note('before', 'lookUpSupplier', idempotencyKey);
    return { trusted: true };
  },
});

/** Holds the run in its middle until the test opens the gate. */
export const waitForGate = defineTool({
  description: 'Waits until the gate is open.',
  input: z.object({}),
  output: z.object({ opened: z.boolean() }),
  idempotent: true,
  async execute(_, { signal, idempotencyKey }) {
    note('before', 'waitForGate', idempotencyKey);
    while (!existsSync(process.env['DEPLOY_GATE']!)) await delay(50, undefined, { signal });
    return { opened: true };
  },
});

export const pay = defineTool({
  description: 'Pays an invoice, once.',
  input: z.object({ invoice: z.string() }),
  output: z.object({ paid: z.string() }),
  execute({ invoice }, { idempotencyKey }) {
    note('before', 'pay', idempotencyKey);
    return { paid: invoice };
  },
});

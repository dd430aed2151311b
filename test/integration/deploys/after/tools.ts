import { defineTool } from 'segno';
import { z } from 'zod';
import { note, pay as payBefore, waitForGate as waitBefore } from '../before/tools.js';

/** Was quick: it has become a remote call that takes its time. */
export const lookUpSupplier = defineTool({
  description: 'What is known of a supplier.',
  input: z.object({ name: z.string() }),
  output: z.object({ trusted: z.boolean() }),
  idempotent: true,
  duration: 'long',
  execute: (_, { idempotencyKey }) => {
    note('after', 'lookUpSupplier', idempotencyKey);
    return { trusted: true };
  },
});

export const waitForGate = { ...waitBefore };

export const pay = {
  ...payBefore,
  execute({ invoice }: { invoice: string }, { idempotencyKey }: { idempotencyKey: string }) {
    note('after', 'pay', idempotencyKey);
    return { paid: invoice };
  },
} satisfies typeof payBefore;

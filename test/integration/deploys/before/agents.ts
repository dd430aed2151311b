import { defineAgent } from 'segno';
import { z } from 'zod';

export const clerk = defineAgent({
  instructions: 'Version one: decide whether to pay the invoice.',
  input: z.object({ invoice: z.string() }),
  output: z.object({ pay: z.boolean() }),
  tools: ['lookUpSupplier'],
});

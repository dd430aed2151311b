import { defineAgent } from 'segno';
import { z } from 'zod';

/** The clerk with other instructions and other limits. */
export const clerk = defineAgent({
  instructions: 'Version two: decide whether to pay the invoice, and be strict.',
  input: z.object({ invoice: z.string() }),
  output: z.object({ pay: z.boolean() }),
  tools: ['lookUpSupplier'],
  maxTurns: 5,
  maxRepairs: 0,
});

export const auditor = defineAgent({
  instructions: 'Check what was paid.',
  input: z.object({ paid: z.array(z.string()) }),
  output: z.object({ fine: z.boolean() }),
});

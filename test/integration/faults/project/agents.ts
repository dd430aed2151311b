import { defineAgent } from 'segno';
import { z } from 'zod';

const item = z.object({ item: z.string() });

/** One model call. */
export const clerk = defineAgent({
  instructions: 'Describe the item.',
  input: item,
  output: z.object({ answer: z.string() }),
  budget: 'faults',
});

/** A tool call, then an answer. */
export const buyer = defineAgent({
  instructions: 'Look the item up, then say where it is.',
  input: item,
  output: z.object({ place: z.string() }),
  tools: ['lookUp'],
});

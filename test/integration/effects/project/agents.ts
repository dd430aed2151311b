import { defineAgent } from 'segno';
import { z } from 'zod';

export const cashier = defineAgent({
  instructions: 'Charge what is asked.',
  input: z.object({ order: z.string() }),
  output: z.object({ paid: z.string() }),
  tools: ['charge', 'chargeOrAsk'],
});

export const planner = defineAgent({
  instructions: 'Book what is asked.',
  input: z.object({ order: z.string() }),
  output: z.object({ paid: z.string() }),
  tools: ['book'],
});

import { defineAgent } from 'segno';
import { z } from 'zod';

export const confirmationWriter = defineAgent({
  instructions: `You confirm an order to the customer of a shop, in two or three plain sentences: what was ordered, what was paid, when the carrier picks it up. Promise nothing else.`,
  input: z.object({ facts: z.string() }),
  output: z.object({ text: z.string().min(1).describe('The text of the mail') }),
});

import { defineAgent } from 'segno';
import { z } from 'zod';

export const reviewReader = defineAgent({
  instructions: `You tell somebody who wants to buy a product what its buyers say of it, in one or two sentences: what they like, and what they do not. Only from the reviews.`,
  input: z.object({ reviews: z.array(z.string()) }),
  output: z.object({ summary: z.string().describe('What buyers say, in one or two sentences') }),
});

import { z } from 'zod';
import { defineAgent } from '../../../../core/defineAgent.js';

/** Paid from a budget that all runs share; only a config with that budget takes it. */
export const sharer = defineAgent({
  instructions: 'Share.',
  input: z.object({ case: z.string() }),
  output: z.object({ answer: z.string() }),
  budget: 'shared',
});

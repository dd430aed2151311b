import { z } from 'zod';
import { defineAgent } from '../../../../core/defineAgent.js';

export const clerk = defineAgent({
  instructions: 'Answer the case.',
  input: z.object({ case: z.string() }),
  output: z.object({ answer: z.string() }),
  tools: ['lookUp'],
  budget: 'clerks',
});

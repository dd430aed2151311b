import { z } from 'zod';
import { defineAgent } from '../../../../core/defineAgent.js';

export const counter = defineAgent({
  instructions: 'Answer the case.',
  input: z.object({ case: z.string() }),
  output: z.object({ answer: z.string() }),
  tools: ['findFigure'],
});

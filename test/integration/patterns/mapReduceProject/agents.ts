import { z } from 'zod';
import { defineAgent } from '../../../../core/defineAgent.js';

export const counter = defineAgent({
  instructions: 'Say how many words the text has.',
  input: z.object({ text: z.string() }),
  output: z.object({ sum: z.number() }),
});

/** Its calls of a tool need workflow code. */
export const researcher = defineAgent({
  instructions: 'Measure the text with your tool.',
  input: z.object({ text: z.string() }),
  output: z.object({ sum: z.number() }),
  tools: ['measure'],
});

export const adder = defineAgent({
  instructions: 'Add up.',
  input: z.array(z.object({ sum: z.number() })),
  output: z.object({ sum: z.number() }),
});

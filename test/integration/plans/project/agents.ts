import { z } from 'zod';
import { defineAgent } from '../../../../core/defineAgent.js';

export const writer = defineAgent({
  instructions: 'Write about the topic, minding the feedback.',
  input: z.object({ topic: z.string(), feedback: z.array(z.string()).nullable().optional() }),
  output: z.object({ text: z.string() }),
});

export const critic = defineAgent({
  instructions: 'Accept a good text, else say what to change.',
  input: z.object({ text: z.string() }),
  output: z.object({ acceptable: z.boolean(), feedback: z.array(z.string()) }),
});

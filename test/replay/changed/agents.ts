/** The agents of the recorded runs with other instructions, types, tools and limits. */
import { defineAgent } from 'segno';
import { z } from 'zod';

export const researcher = defineAgent({
  instructions: 'Answer in verse.',
  input: z.object({ question: z.string() }),
  output: z.object({ answer: z.string(), sources: z.array(z.string()) }),
  tools: [],
  model: 'another',
  maxTurns: 1,
  maxRepairs: 0,
});

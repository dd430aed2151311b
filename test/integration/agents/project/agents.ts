import { z } from 'zod';
import { defineAgent } from '../../../../core/defineAgent.js';

const input = z.object({ case: z.string() });

export const solver = defineAgent({
  instructions: 'Solve the case.',
  input,
  output: z.object({ answer: z.string() }),
  tools: ['note', 'meet', 'broken', 'charge'],
  maxTurns: 300,
});

export const clerk = defineAgent({
  instructions: ({ deps }) => `You act for ${deps.user}.`,
  input,
  output: z.string(),
  tools: ['whoAmI'],
  deps: z.object({ user: z.string() }),
  maxTurns: 300,
});

/** Without tools: its items stay in their batch. */
export const guesser = defineAgent({ instructions: 'Guess.', input, output: z.object({ answer: z.string() }) });

/** No agent: proxies leave it out, and so does the config. */
export const house = 'Segno';

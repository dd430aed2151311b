import { defineAgent } from 'segno';
import { z } from 'zod';

/** Answers at once: what is measured is everything around the model. */
export const echo = defineAgent({
  instructions: 'Answer ok.',
  input: z.object({ text: z.string() }),
  output: z.object({ ok: z.boolean() }),
});

/** Calls a tool in every turn, as often as the model server is told to by the input. */
export const quickCaller = defineAgent({
  instructions: 'Call the tool.',
  input: z.object({ turns: z.number(), bytes: z.number() }),
  output: z.object({ ok: z.boolean() }),
  tools: ['quickFetch'],
  maxTurns: 2_000,
});

export const longCaller = defineAgent({
  instructions: 'Call the tool.',
  input: z.object({ turns: z.number(), bytes: z.number() }),
  output: z.object({ ok: z.boolean() }),
  tools: ['longFetch'],
  maxTurns: 2_000,
});

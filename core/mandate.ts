/**
 * What a post of a hierarchy may decide by itself, as a CEL expression over `decision` and `task`.
 *
 * Invariant: what cannot be evaluated is beyond the mandate.
 */
import { z } from 'zod';
import { compileCel } from './cel.js';

/** The input of an agent who leads a post. */
export const postTurnSchema = z.object({
  /** Where it stands: `top/operations`. */
  post: z.string(),
  task: z.string(),
  /** The tasks this one is part of, the widest first. */
  context: z.array(z.string()),
  /** Whom it can give orders to. */
  below: z.array(z.object({ name: z.string(), description: z.string() })),
  /** What came of its orders and decisions so far. */
  reports: z.array(z.object({ from: z.string(), report: z.string() })),
  /** A decision that somebody below proposes and may not take; null when there is a task to do. */
  asked: z.object({ from: z.string(), decision: z.unknown(), why: z.string() }).nullable(),
  /** What was wrong with the reply before. */
  faults: z.array(z.string()),
});

/** The output of such an agent; give `decision` the schema of your decisions. */
export const postReplySchema = z.object({
  report: z.string().describe('What came of the task, for whoever gave it'),
  orders: z.array(z.object({ to: z.string(), task: z.string() })).describe('What somebody below is to do; often none'),
  decision: z
    .unknown()
    .describe('The decision that is proposed, or the answer to the one that was asked for; null for none, or no'),
});

export type PostTurn = z.output<typeof postTurnSchema>;

export type Mandate = (variables: { decision: unknown; task: string }) => { within: true } | { exceeds: string };

/** The mandate ready to be asked, or what is wrong with it. */
export function compileMandate(expression: string): Mandate | { faults: string[] } {
  const compiled = compileCel(expression, { variables: ['decision', 'task'], result: 'bool' });
  if ('faults' in compiled) return compiled;
  return (variables) => {
    const outcome = compiled.evaluate(variables);
    if ('fault' in outcome) return { exceeds: `the mandate ${expression} cannot be evaluated: ${outcome.fault}` };
    return outcome.value === true ? { within: true } : { exceeds: `it is not within the mandate ${expression}` };
  };
}

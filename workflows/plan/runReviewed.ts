/** The actions of a plan whose drafts somebody reviews: `refine` and `supervise`. */
import type { PlanAction, PlanRefine, PlanSupervise } from '../../core/plan/plan.js';
import { type DocumentPath, formatPath } from '../../core/plan/references.js';
import { fail } from '../failure.js';
import { refine, type Review } from '../patterns/refine.js';
import { supervise, type Tried } from '../patterns/supervise.js';
import type { PlanVariables } from './resolve.js';

/** What does an action: runAction, which does these actions too. */
export type RunAction = (action: PlanAction, variables: PlanVariables, at: DocumentPath) => Promise<unknown>;

const defaultRounds = 3;

export function runRefine(
  { write, review, maxRounds = defaultRounds }: PlanRefine,
  variables: PlanVariables,
  at: DocumentPath,
  run: RunAction,
): Promise<unknown> {
  return refine({
    write: (feedback, draft) =>
      run(write, { ...variables, feedback: feedback ?? null, draft: draft ?? null }, [...at, 'write']),
    review: async (draft) => asReview(await run(review, { ...variables, draft }, [...at, 'review']), at),
    maxRounds,
  });
}

export function runSupervise(
  { work, review, maxRounds = defaultRounds, escalate, onFailure }: PlanSupervise,
  variables: PlanVariables,
  at: DocumentPath,
  run: RunAction,
): Promise<unknown> {
  const level =
    (name: string, action: PlanAction) =>
    ({ draft, reviews, error }: Tried<unknown>): Promise<unknown> =>
      run(action, { ...variables, draft: draft ?? null, reviews, error: error ?? null }, [...at, 'escalate', name]);
  const levels = Object.fromEntries(Object.entries(escalate).map(([name, action]) => [name, level(name, action)]));
  return supervise({
    work: (feedback, draft) =>
      run(work, { ...variables, feedback: feedback ?? null, draft: draft ?? null }, [...at, 'work']),
    review: async (draft) => asReview(await run(review, { ...variables, draft }, [...at, 'review']), at),
    maxRounds,
    escalate: levels,
    ...(onFailure !== undefined && { onFailure }),
  });
}

function asReview(output: unknown, at: DocumentPath): Review {
  const { acceptable, feedback = [], score } = (output ?? {}) as Partial<Review>;
  if (typeof acceptable !== 'boolean' || !Array.isArray(feedback))
    throw fail('Plan.MissingValue', `${formatPath([...at, 'review'])} gave no { acceptable, feedback }`);
  return { acceptable, feedback, ...(typeof score === 'number' && { score }) };
}

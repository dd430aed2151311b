/** What can be said of an effect whose outcome was lost, and how it is asked. */

/** It took effect, with this output; it did not, and is to be called again; it did not, and counts as failed. */
export type OutcomeAnswer = { readonly done: unknown } | 'repeat' | 'fail';

export const outcomeAnswers = 'say {"done": OUTPUT}, "repeat" or "fail"';

/** A lost outcome, as a person is shown it. */
export interface UnknownOutcome {
  /** Of the attempt whose outcome was lost: an answer is about no other. */
  epoch: number;
  /** ISO 8601. */
  sentAt: string;
  idempotencyKey: string;
  /** Without secrets; a large one by its hash. */
  input: unknown;
  /** Why the answer before this question was none. */
  fault?: string;
}

export interface OutcomeResolution {
  answer: OutcomeAnswer;
  /** Who says so. */
  by: string;
  epoch: number;
}

export function isOutcomeAnswer(value: unknown): value is OutcomeAnswer {
  if (value === 'repeat' || value === 'fail') return true;
  return typeof value === 'object' && value !== null && Object.keys(value).join() === 'done';
}

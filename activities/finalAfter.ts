import { SegnoError } from '../core/errors.js';

const firstPauseMs = 500;
const longestPauseMs = 30_000;

/** Milliseconds before the next attempt after so many real ones, where nobody has asked for a pause. */
export function pauseMsAfter(attempts: number): number {
  return Math.min(firstPauseMs * 2 ** (attempts - 1), longestPauseMs);
}

/**
 * A retryable failure becomes final with the last attempt there may be; before, it says when to try again: Temporal would count each wait
 * at the gate as an attempt, and pause longer for it. A worker that shuts down fails nothing.
 *
 * @param perRound attempts that come without a pause: one a model of a chain
 */
export function finalAfter(
  failure: SegnoError,
  attempts: number,
  maxAttempts = Number.POSITIVE_INFINITY,
  perRound = 1,
): SegnoError {
  const rounds = Math.ceil(attempts / perRound);
  const { type, message, retryable, saidRetryable, retryAfterMs = pauseMsAfter(rounds), details, cause } = failure;
  if (!retryable || type === 'Run.Cancelled') return failure;
  const kept = { cause, ...(details && { details }) };
  if (attempts < maxAttempts)
    return new SegnoError(type, message, { ...kept, ...(saidRetryable && { retryable }), retryAfterMs });
  return new SegnoError(type, `${message} (attempt ${attempts} of ${maxAttempts})`, { ...kept, retryable: false });
}

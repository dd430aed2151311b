import { SegnoError } from '../core/errors.js';

/** A retryable failure becomes final with the last attempt there may be; a worker that shuts down fails nothing. */
export function finalAfter(failure: SegnoError, attempts: number, maxAttempts = Number.POSITIVE_INFINITY): SegnoError {
  if (!failure.retryable || failure.type === 'Run.Cancelled' || attempts < maxAttempts) return failure;
  return new SegnoError(failure.type, `${failure.message} (attempt ${attempts} of ${maxAttempts})`, {
    retryable: false,
  });
}

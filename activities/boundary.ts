import { ApplicationFailure, CancelledFailure, CompleteAsyncError } from '@temporalio/activity';
import { Context } from '@temporalio/activity';
import { SegnoError } from '../core/errors.js';

/**
 * The edge between Segno's activities and Temporal: registered errors become `ApplicationFailure`s of the same type, with
 * the retry delay somebody asked for. What is not registered is a bug or a broken connection, and stays retryable.
 */
export function boundary<Request, Result>(
  activity: (request: Request) => Promise<Result>,
): (request: Request) => Promise<Result> {
  return async (request) => {
    try {
      return await activity(request);
    } catch (error) {
      throw toFailure(error);
    }
  };
}

function toFailure(error: unknown): unknown {
  if (error instanceof ApplicationFailure || error instanceof CancelledFailure || error instanceof CompleteAsyncError)
    return error;
  if (Context.current().cancellationSignal.aborted) return new CancelledFailure('the activity was cancelled');
  if (!(error instanceof SegnoError)) return error;
  return ApplicationFailure.create({
    type: error.type,
    message: error.message,
    nonRetryable: !error.retryable,
    ...(error.retryAfterMs !== undefined && { nextRetryDelay: Math.max(1, Math.round(error.retryAfterMs)) }),
    ...(error.details && { details: [error.details] }),
  });
}

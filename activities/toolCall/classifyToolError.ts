import { ApplicationFailure } from '@temporalio/activity';
import { type ErrorType, SegnoError } from '../../core/errors.js';
import type { StepSafety } from '../../core/steps.js';
import { finalAfter } from '../finalAfter.js';

/**
 * What a tool threw, as a registered error.
 *
 * A tool that may take effect only once is tried again only when it said itself, with `retryable: true`, that nothing has
 * happened; when it was cut off by its time limit or by cancellation, nobody knows, and the outcome is unknown.
 */
export function classifyToolError(tool: string, safety: StepSafety, error: unknown): SegnoError {
  if (error instanceof SegnoError) {
    if (safety !== 'once') return error;
    if (error.type === 'Tool.DeadlineExceeded' || error.type === 'Run.Cancelled' || mayHaveChanged(error)) {
      return new SegnoError('Tool.OutcomeUnknown', `${error.message}; whether it took effect is not known`, {
        cause: error,
      });
    }
    return error.retryable && !error.saidRetryable ? restated(error, false) : error;
  }
  const message = error instanceof Error ? error.message : String(error);
  const final = error instanceof ApplicationFailure && error.nonRetryable === true;
  return new SegnoError('Tool.Failed', `${tool}: ${message.slice(0, 500)}`, {
    retryable: safety !== 'once' && !final,
    cause: error,
  });
}

/** A server that failed, or went away, in the middle of a request that changes something. */
function mayHaveChanged({ type, saidRetryable, details }: SegnoError): boolean {
  return type === 'Tool.Unavailable' && !saidRetryable && details?.['mayChange'] === true;
}

function restated(error: SegnoError, retryable: boolean): SegnoError {
  return new SegnoError(error.type, error.message, {
    retryable,
    cause: error,
    ...(error.details && { details: error.details }),
  });
}

/** A tool that throws something unnamed is tried five times; named failures (a server that is away) as long as time allows. */
function attemptsOfThrowingTool(type: ErrorType): number {
  return type === 'Tool.Failed' ? 5 : Number.POSITIVE_INFINITY;
}

/** {@link finalAfter}; without a number from the caller, after as many attempts as a tool gets. */
export function toolFinalAfter(failure: SegnoError, attempts: number, maxAttempts?: number): SegnoError {
  return finalAfter(failure, attempts, maxAttempts ?? attemptsOfThrowingTool(failure.type));
}

import { ActivityFailure, ApplicationFailure, ChildWorkflowFailure, TimeoutFailure } from '@temporalio/workflow';
import type { ErrorType } from '../core/errors.js';

/** A final failure of a registered type, raised by workflow code; `step` says where. */
export function fail(type: ErrorType, message: string, step?: string): ApplicationFailure {
  return ApplicationFailure.create({
    type,
    message,
    nonRetryable: true,
    ...(step !== undefined && { details: [{ step }] }),
  });
}

/**
 * What a step throws to the workflow: an `ApplicationFailure` of a registered type that names the step. Cancellation passes
 * through as it is, so that `isCancellation` keeps working.
 */
export function stepFailure(error: unknown, step: string, deadlineType: ErrorType): unknown {
  // A local activity's failure comes as it is, a remote one's and a child's as the cause of another.
  const cause = error instanceof ActivityFailure || error instanceof ChildWorkflowFailure ? error.cause : error;
  if (cause instanceof TimeoutFailure) return fail(deadlineType, `${step} did not finish in time`, step);
  if (cause instanceof ApplicationFailure) {
    const named = (cause.details?.[0] as { step?: string } | undefined)?.step !== undefined;
    return ApplicationFailure.create({
      ...(cause.type != null && { type: cause.type }),
      message: cause.message,
      nonRetryable: true,
      details: named ? (cause.details ?? []) : [{ step }, ...(cause.details ?? [])],
    });
  }
  return error;
}

/** Whether `error` is a step's failure of that type: `catch (e) { if (!isFailure(e, 'Tool.OutcomeUnknown')) throw e; … }`. */
export function isFailure(error: unknown, type: ErrorType): error is ApplicationFailure {
  return error instanceof ApplicationFailure && error.type === type;
}

import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  ChildWorkflowFailure,
  isCancellation,
  TemporalFailure,
  TerminatedFailure,
  TimeoutFailure,
} from '@temporalio/workflow';
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
 * What has failed at the bottom of it. A local activity's failure comes as it is, a remote one's and a child's as the cause of
 * another, and a child's own activity's and child's as the cause of that.
 */
export function causeOf(error: unknown): unknown {
  let cause = error;
  while ((cause instanceof ActivityFailure || cause instanceof ChildWorkflowFailure) && cause.cause)
    cause = cause.cause;
  return cause;
}

/** The type of a failure that Temporal itself has raised; undefined for an `ApplicationFailure`, and for what is a bug. */
export function typeOfTemporal(cause: unknown): ErrorType | undefined {
  if (cause instanceof ApplicationFailure || !(cause instanceof TemporalFailure)) return undefined;
  if (cause instanceof TimeoutFailure) return 'Run.TimedOut';
  if (cause instanceof CancelledFailure) return 'Run.Cancelled';
  return cause instanceof TerminatedFailure ? 'Run.Terminated' : 'Run.Failed';
}

/**
 * What a step throws to the workflow: an `ApplicationFailure` of a registered type that names the step. Cancellation passes
 * through as it is, so that `isCancellation` keeps working.
 */
export function stepFailure(error: unknown, step: string, deadlineType: ErrorType): unknown {
  if (isCancellation(error)) return error;
  const cause = causeOf(error);
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
  const type = typeOfTemporal(cause);
  return type === undefined ? error : fail(type, `${step}: ${(cause as TemporalFailure).message}`, step);
}

/** The same failure with more lines in its message. */
export function withLines(error: Error, lines: readonly string[]): Error {
  const cause = causeOf(error);
  if (lines.length === 0 || !(cause instanceof ApplicationFailure)) return error;
  return ApplicationFailure.create({
    ...(cause.type != null && { type: cause.type }),
    message: [cause.message, ...lines].join('\n'),
    nonRetryable: true,
    details: cause.details ?? [],
  });
}

/** Whether `error` is a step's failure of that type: `catch (e) { if (!isFailure(e, 'Tool.OutcomeUnknown')) throw e; … }`. */
export function isFailure(error: unknown, type: ErrorType): error is ApplicationFailure {
  return error instanceof ApplicationFailure && error.type === type;
}

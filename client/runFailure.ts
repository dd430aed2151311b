import { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure, CancelledFailure, TerminatedFailure, TimeoutFailure } from '@temporalio/common';
import { type BudgetRefusal, budgetRefusalSchema } from '../core/admission/refusal.js';
import { type ErrorType, isErrorType, SegnoError } from '../core/errors.js';

/**
 * Why a run ended without a result, as one of Segno's errors; `details.step` names the failed step where there is one, and of a
 * `Budget.Exceeded` details are a {@link BudgetRefusal}.
 */
export function runFailure(error: unknown, id: string): unknown {
  if (!(error instanceof WorkflowFailedError)) return error;
  const { cause } = error;
  if (cause instanceof CancelledFailure) return new SegnoError('Run.Cancelled', `the run ${id} was cancelled`);
  if (cause instanceof TerminatedFailure)
    return new SegnoError('Run.Terminated', `the run ${id} was terminated: ${cause.message}`);
  if (cause instanceof TimeoutFailure)
    return new SegnoError('Run.TimedOut', `the run ${id} did not finish within its time limit`);
  const application = innermost(cause);
  if (!application) return error;
  const type: ErrorType = isErrorType(application.type) ? application.type : 'Run.Failed';
  const details: unknown[] = application.details ?? [];
  const step = (details[0] as { step?: unknown } | undefined)?.step;
  return new SegnoError(type, application.message, {
    retryable: false,
    details: {
      run: id,
      ...(typeof step === 'string' && { step }),
      ...(type === 'Budget.Exceeded' && refusalIn(details)),
    },
    cause,
  });
}

/** A step's failure names the step first. */
function refusalIn(details: readonly unknown[]): BudgetRefusal | undefined {
  return details
    .slice(0, 2)
    .map((one) => budgetRefusalSchema.safeParse(one))
    .find(({ success }) => success)?.data;
}

/** The application's own failure under whatever activity and child workflow failures are wrapped around it. */
function innermost(error: unknown): ApplicationFailure | undefined {
  for (let current = error; current instanceof Error; current = current.cause) {
    if (current instanceof ApplicationFailure) return current;
  }
  return undefined;
}

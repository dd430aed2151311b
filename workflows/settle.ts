/**
 * Runs one step of a pattern and says what became of it, so that a pattern can go on after a failure.
 *
 * Invariants:
 * 1. What the workflow's caller cancelled is thrown on, never turned into a result. What somebody else cancelled (a child by
 *    itself, a scope in the step) is the step's failure.
 * 2. A plain `Error` is a bug in workflow code, not an outcome: it is thrown on, and the workflow task fails.
 * 3. A step that is cancelled or runs into its time limit is waited for: when its result is there, nothing of it runs any more.
 */
import { ApplicationFailure, CancellationScope, isCancellation, sleep } from '@temporalio/workflow';
import { picoToUsd } from '../core/money.js';
import type { CancelledStep, FailedStep, SkippedStep, StepError, StepFacts, StepResult } from '../core/results.js';
import { Deadline, type Duration } from './deadline.js';
import { causeOf, typeOfTemporal } from './failure.js';
import { isPaused, pausesEnd } from './pauses.js';
import { type Meter, metered, newMeter, within } from './scope.js';

export interface SettleOptions {
  /** Limit of this step; what runs of it is cancelled then. */
  timeout?: Duration | undefined;
}

/** A step under way. */
export interface RunningStep<Output> {
  /** @throws what invariants 1 and 2 name */
  readonly result: Promise<StepResult<Output>>;
  /** Cancel it: it ends as `cancelled` (as `failed`, if the reason is a deadline), unless it had ended already. */
  cancel(reason: StepError): void;
  /** What a failed step has thrown, to be thrown again with all that it carries. */
  thrown(): Error | undefined;
}

/** The reason most cancellations of steps have. */
export const notNeeded: StepError = { type: 'Step.Cancelled', message: 'the pattern no longer needed it' };

/** Start `body` at `path` (scope.ts) in a cancellation scope of its own. */
export function startStep<Output>(
  path: string,
  body: () => Promise<Output>,
  { timeout }: SettleOptions = {},
): RunningStep<Output> {
  const outer = CancellationScope.current();
  const scope = new CancellationScope();
  const meter = newMeter();
  const startedAtMs = Date.now();
  const facts = (): StepFacts => factsOf(meter, startedAtMs);
  let why: StepError | undefined;
  let thrown: Error | undefined;
  const cancel = (reason: StepError): void => {
    why ??= reason;
    scope.cancel();
  };

  const run = async (): Promise<StepResult<Output>> => {
    const timer = startTimer(path, timeout, () => cancel(timedOut(path)));
    try {
      const output = await scope.run(() => within(path, () => metered(meter, body)));
      return { status: 'completed', output, ...facts() };
    } catch (error) {
      const cancelled = isCancellation(error);
      if (cancelled && isCancelled(outer)) throw error;
      if (cancelled && why) return cancelledOrTimedOut(why, facts());
      const failed: FailedStep = { status: 'failed', error: toStepError(error), ...facts() };
      if (cancelled) failed.error.step ??= path;
      thrown = cancelled ? failureOf(failed) : (error as Error);
      return failed;
    } finally {
      timer.cancel();
    }
  };
  return { result: run(), cancel, thrown: () => thrown };
}

/** Whether what goes on in `scope` was cancelled from outside: also from further out, which takes a moment to get there. */
export function isCancelled(scope: CancellationScope): boolean {
  for (let at: CancellationScope | undefined = scope; at?.cancellable; at = at.parent) {
    if (at.consideredCancelled) return true;
  }
  return false;
}

/** {@link startStep}, waited for. */
export function settle<Output>(
  path: string,
  body: () => Promise<Output>,
  options?: SettleOptions,
): Promise<StepResult<Output>> {
  return startStep(path, body, options).result;
}

/** {@link settle}, for a pattern that does not go on without it: the output, or what the step has thrown. */
export async function complete<Output>(
  path: string,
  body: () => Promise<Output>,
  options?: SettleOptions,
): Promise<Output> {
  const step = startStep(path, body, options);
  const result = await step.result;
  if (result.status === 'completed') return result.output;
  throw step.thrown() ?? failureOf(result);
}

/** A step that is never started. */
export function skipped(error: StepError): SkippedStep {
  return { status: 'skipped', error, ...factsOf(newMeter(), Date.now()) };
}

/** The failure a pattern throws for a step that did not complete: of the step's type, naming the step. */
export function failureOf({ error }: FailedStep | CancelledStep | SkippedStep): ApplicationFailure {
  const { type, message, step } = error;
  return ApplicationFailure.create({
    type,
    message,
    nonRetryable: true,
    ...(step !== undefined && { details: [{ step }] }),
  });
}

/** @throws an error that is a bug (a plain `Error`) as it is */
export function toStepError(error: unknown): StepError {
  const cause = causeOf(error);
  const type = typeOfTemporal(cause);
  if (type !== undefined) return { type, message: (cause as Error).message };
  if (!(cause instanceof ApplicationFailure)) throw error;
  const step = (cause.details?.[0] as { step?: string } | undefined)?.step;
  return { type: cause.type ?? 'Run.Failed', message: cause.message, ...(step !== undefined && { step }) };
}

export function factsOf(meter: Meter, startedAtMs: number): StepFacts {
  return {
    startedAt: new Date(startedAtMs).toISOString(),
    durationMs: Date.now() - startedAtMs,
    usage: {
      inputTokens: meter.inputTokens,
      outputTokens: meter.outputTokens,
      costUsd: picoToUsd(meter.costPicoUsd),
    },
    attempts: 1 + meter.repetitions,
  };
}

export function timedOut(path: string): StepError {
  return { type: 'Step.DeadlineExceeded', message: `${path} did not finish in time`, step: path };
}

function cancelledOrTimedOut(why: StepError, facts: StepFacts): FailedStep | CancelledStep {
  return why.type === 'Step.DeadlineExceeded'
    ? { status: 'failed', error: why, ...facts }
    : { status: 'cancelled', error: why, ...facts };
}

/**
 * Calls `fire` after `timeout`, unless it is cancelled before; without a timeout never. Time in which the pattern or step at `path`
 * is paused does not count.
 */
export function startTimer(path: string, timeout: Duration | undefined, fire: () => void): { cancel(): void } {
  if (timeout === undefined) return { cancel: () => undefined };
  const scope = new CancellationScope();
  const deadline = Deadline.after(timeout, path);
  const fireOrGoOn = (): void => {
    if (isPaused(path)) wait(() => pausesEnd(path));
    else if (deadline.leftMs > 0) wait(() => sleep(deadline.leftMs));
    else fire();
  };
  const wait = (body: () => Promise<void>): void => {
    void scope.run(body).then(fireOrGoOn, (error: unknown) => {
      if (!isCancellation(error)) throw error;
    });
  };
  wait(() => sleep(deadline.leftMs));
  return { cancel: () => scope.cancel() };
}

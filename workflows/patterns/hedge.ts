import { type Duration, durationFaults } from '../deadline.js';
import { fail } from '../failure.js';
import { branchPath, nextPath } from '../scope.js';
import { failureOf, notNeeded, type RunningStep, startStep, startTimer, timedOut } from '../settle.js';

export interface HedgeOptions {
  /** How long an attempt may take before the next is started beside it. */
  after: Duration;
  /** Attempts at most, the first included. Default 2. */
  attempts?: number;
  /** Limit of all attempts together. Default: none. */
  timeout?: Duration;
}

export interface Hedged<Output> {
  output: Output;
  /** Which attempt answered, from 1. */
  attempt: number;
  /** Attempts started. */
  started: number;
}

/**
 * Hedged requests (Dean and Barroso, "The Tail at Scale", CACM 2013): start a second attempt when the first takes long, and
 * keep the first answer. A failed attempt starts the next one at once. The others are cancelled and not waited for; each costs
 * what it has cost by then, so hedge questions, not effects.
 *
 * @param body is told which attempt it is, from 1, so that a later one may ask another model
 * @throws ApplicationFailure of the first attempt when all fail; `Step.DeadlineExceeded`; `Pattern.InvalidSteps`
 */
export async function hedge<Output>(
  body: (attempt: number) => Promise<Output>,
  { after, attempts = 2, timeout }: HedgeOptions,
): Promise<Hedged<Output>> {
  const faults = [
    ...(Number.isInteger(attempts) && attempts > 0 ? [] : [`attempts: ${attempts} is no positive number`]),
    ...durationFaults({ after, timeout }),
  ];
  if (faults.length > 0) throw fail('Pattern.InvalidSteps', `hedge: ${faults.join('; ')}`);
  const path = nextPath('hedge');
  const steps: RunningStep<Output>[] = [];
  let delay = startTimer(path, undefined, () => undefined);
  let over = false;

  const first = new Promise<Hedged<Output>>((resolve, reject) => {
    let failed = 0;
    let firstFailure: Error | undefined;
    const start = (): void => {
      delay.cancel();
      if (over || steps.length >= attempts) return;
      const attempt = steps.length + 1;
      const step = startStep(branchPath(path, `attempt#${attempt}`), () => body(attempt));
      steps.push(step);
      delay = startTimer(path, attempt < attempts ? after : undefined, start);
      step.result.then((result) => {
        if (result.status === 'completed') return resolve({ output: result.output, attempt, started: steps.length });
        failed += 1;
        firstFailure ??= step.thrown() ?? failureOf(result);
        if (over || failed === attempts) return reject(firstFailure);
        return start();
      }, reject);
    };
    start();
  });
  const timer = startTimer(path, timeout, () => {
    over = true;
    for (const step of steps) step.cancel(timedOut(path));
  });
  try {
    return await first;
  } finally {
    over = true;
    timer.cancel();
    delay.cancel();
    for (const step of steps) step.cancel(notNeeded);
  }
}

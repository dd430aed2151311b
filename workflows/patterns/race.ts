import type { StepResult } from '../../core/results.js';
import { type Duration, durationFaults } from '../deadline.js';
import { fail } from '../failure.js';
import { branchPath, nextPath } from '../scope.js';
import { failureOf, notNeeded, type RunningStep, startStep, startTimer, timedOut } from '../settle.js';

type Body = () => Promise<unknown>;

export interface RaceOptions {
  /** Limit of the whole race. Default: none. */
  timeout?: Duration;
}

export type RaceResult<B extends Readonly<Record<string, Body>>> = {
  [Name in keyof B]: { winner: Name; output: Awaited<ReturnType<B[Name]>> };
}[keyof B];

/**
 * Run branches side by side and keep the first output. The losers are cancelled and not waited for; what a loser has done by
 * then is done, so race questions, not effects.
 *
 * @throws ApplicationFailure of the first failed branch when all fail; `Step.DeadlineExceeded`
 */
export async function race<const B extends Readonly<Record<string, Body>>>(
  branches: B,
  { timeout }: RaceOptions = {},
): Promise<RaceResult<B>> {
  const entries = Object.entries(branches);
  const faults = [...(entries.length === 0 ? ['there is no branch'] : []), ...durationFaults({ timeout })];
  if (faults.length > 0) throw fail('Pattern.InvalidSteps', `race: ${faults.join('; ')}`);
  const path = nextPath('race');
  const branchesAt = entries.map(([name, body]) => ({ at: branchPath(path, name), body }));
  const steps = branchesAt.map(({ at, body }) => startStep(at, body));
  const timer = startTimer(path, timeout, () => steps.forEach((step) => step.cancel(timedOut(path))));
  try {
    const { index, output } = await firstCompleted(steps);
    return { winner: entries[index]![0], output } as RaceResult<B>;
  } finally {
    timer.cancel();
    for (const step of steps) step.cancel(notNeeded);
  }
}

/** @throws what the first step to fail has thrown, when none completes */
function firstCompleted(steps: readonly RunningStep<unknown>[]): Promise<{ index: number; output: unknown }> {
  let failed = 0;
  let first: Error | undefined;
  return new Promise((resolve, reject) => {
    steps.forEach((step, index) => {
      const settled = (result: StepResult): void => {
        if (result.status === 'completed') return resolve({ index, output: result.output });
        failed += 1;
        first ??= step.thrown() ?? failureOf(result);
        if (failed === steps.length) reject(first);
      };
      step.result.then(settled, reject);
    });
  });
}

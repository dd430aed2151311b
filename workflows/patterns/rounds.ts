/**
 * Rounds of a body, bounded: what `refine`, `repeatUntil` and `supervise` have in common.
 *
 * Invariants:
 * 1. Round N runs at `PATH/round#N`, so no step key is used twice.
 * 2. The best result is kept by score; of equal ones the later. Without scores the last is the best.
 */
import { sleep } from '@temporalio/workflow';
import type { StepError } from '../../core/results.js';
import { Deadline, type Duration, durationFaults } from '../deadline.js';
import { fail } from '../failure.js';
import { endProgress, showProgress } from '../progress.js';
import { branchPath, nextPath } from '../scope.js';
import { failureOf, startStep, timedOut } from '../settle.js';

/** Why the rounds ended: the aim was met, or else a bound was. */
export type Stopped = 'met' | 'rounds' | 'noImprovement' | 'deadline' | 'failed';

export interface RoundsOptions {
  /** Rounds at most. */
  maxRounds?: number | undefined;
  /** Limit of all rounds together. Default: none. */
  timeout?: Duration | undefined;
  /** Stop after so many rounds in a row that did not score above the best before them. Default: go on. */
  patience?: number | undefined;
  /** `continue`: a failed round ends the pattern with the best result so far, if there is one. Default `fail`. */
  onFailure?: 'fail' | 'continue' | undefined;
}

export interface RoundResult<Output> {
  output: Output;
  met: boolean;
  score?: number | undefined;
}

export interface Rounds<Output> {
  /** The one that met the aim, or the best. */
  best: RoundResult<Output>;
  stopped: Stopped;
  /** Rounds that ended with a result. */
  rounds: number;
  /** Why the last round has no result. */
  error?: StepError;
}

interface Settings extends RoundsOptions {
  pattern: string;
  maxRounds: number;
  /** Milliseconds to wait before `round`, from 2. */
  delayMs?: (round: number) => number;
}

/** @throws ApplicationFailure of a round when there is no result to go on with; `Pattern.InvalidSteps` before anything runs */
export async function runRounds<Output>(
  settings: Settings,
  body: (round: number) => Promise<RoundResult<Output>>,
): Promise<Rounds<Output>> {
  const { pattern, maxRounds, timeout, patience, onFailure = 'fail', delayMs } = settings;
  checkOptions(settings);
  const path = nextPath(pattern);
  const deadline = timeout === undefined ? undefined : Deadline.after(timeout, path);
  let best: RoundResult<Output> | undefined;
  let without = 0;
  try {
    for (let round = 1; ; round += 1) {
      showProgress(path, { pattern, counts: { round, of: maxRounds } });
      const delay = round === 1 ? 0 : (delayMs?.(round) ?? 0);
      if (best && deadline && deadline.leftMs <= delay) return { best, stopped: 'deadline', rounds: round - 1 };
      if (delay > 0) await sleep(delay);
      const step = startStep(branchPath(path, `round#${round}`), () => body(round), { timeout: deadline?.leftMs });
      const result = await step.result;
      if (result.status !== 'completed') {
        const late = result.error.type === 'Step.DeadlineExceeded' && deadline?.leftMs === 0;
        if (best && (late || onFailure === 'continue')) {
          return { best, stopped: late ? 'deadline' : 'failed', rounds: round - 1, error: result.error };
        }
        throw late ? fail('Step.DeadlineExceeded', timedOut(path).message, path) : (step.thrown() ?? failureOf(result));
      }
      const { output } = result;
      if (output.met) return { best: output, stopped: 'met', rounds: round };
      const better = !best || (output.score ?? 0) > (best.score ?? 0);
      without = better ? 0 : without + 1;
      if (!best || (output.score ?? 0) >= (best.score ?? 0)) best = output;
      if (round >= maxRounds) return { best, stopped: 'rounds', rounds: round };
      if (patience !== undefined && without >= patience) return { best, stopped: 'noImprovement', rounds: round };
    }
  } finally {
    endProgress(path);
  }
}

function checkOptions({ pattern, maxRounds, patience, timeout }: Settings): void {
  const faults = [
    ...Object.entries({ maxRounds, patience })
      .filter(([, value]) => value !== undefined && !(Number.isInteger(value) && value > 0))
      .map(([name, value]) => `${name}: ${value} is no positive number`),
    ...durationFaults({ timeout }),
  ];
  if (faults.length > 0) throw fail('Pattern.InvalidSteps', `${pattern}: ${faults.join('; ')}`);
}

import { sleep } from '@temporalio/workflow';
import { momentForm, momentMs } from '../../core/moment.js';
import type { StepResult } from '../../core/results.js';
import { mostTicks, nextTick, tickMs } from '../../core/ticks.js';
import { Deadline, type Duration, durationFaults } from '../deadline.js';
import { fail } from '../failure.js';
import { endProgress, showProgress } from '../progress.js';
import { branchPath, nextPath } from '../scope.js';
import { failureOf, startStep } from '../settle.js';

export interface IntervalOptions {
  /** From the begin of one round to that of the next. */
  every: Duration;
  /** Rounds in all. */
  times?: number;
  /** No round begins at this moment or later: a Date, or ISO 8601 with a zone. */
  until?: Date | string;
  /** Limit of each round. Default: none. */
  roundTimeout?: Duration;
  /** `continue`: a failed round is among the results, and the next one begins at its time. Default `fail`. */
  onFailure?: 'fail' | 'continue';
}

export interface IntervalResult<Output> {
  /** Of the rounds that began, in order. */
  results: StepResult<Output>[];
  /** Times at which no round began, as the one before was not over. */
  skipped: number;
}

/**
 * Run `body` at once and then every so often, `times` or `until`. Times are counted from the first round: they do not drift. A round
 * that takes longer than that leaves out the times it runs over.
 *
 * @param body gets the number of the round, from 1
 * @throws ApplicationFailure of a round, unless `onFailure` is `continue`; `Pattern.InvalidSteps` without a bound, or for over 500 rounds:
 *   `loop` has none
 */
export async function everyInterval<Output>(
  options: IntervalOptions,
  body: (round: number) => Promise<Output>,
): Promise<IntervalResult<Output>> {
  const startMs = Date.now();
  const { times, roundTimeout, onFailure = 'fail' } = options;
  const { everyMs, endMs } = checked(options, startMs);
  const path = nextPath('everyInterval');
  const results: StepResult<Output>[] = [];
  let skipped = 0;
  let tick = 0;
  try {
    while (results.length < (times ?? Infinity) && tickMs({ startMs, everyMs }, tick) < endMs) {
      const waitMs = tickMs({ startMs, everyMs }, tick) - Date.now();
      const round = results.length + 1;
      const show = (waitsFor?: string): void =>
        showProgress(path, {
          pattern: 'everyInterval',
          counts: { round, ...(times !== undefined && { of: times }) },
          ...(waitsFor !== undefined && { waitsFor }),
        });
      if (waitMs > 0) {
        show(new Date(Date.now() + waitMs).toISOString());
        await sleep(waitMs);
      }
      show();
      const step = startStep(branchPath(path, `round#${round}`), () => body(round), { timeout: roundTimeout });
      const result = await step.result;
      if (result.status !== 'completed' && onFailure === 'fail') throw step.thrown() ?? failureOf(result);
      results.push(result);
      const next = nextTick({ startMs, everyMs }, tick, Date.now());
      skipped += results.length === times ? 0 : skippedBetween(tick, next, { startMs, everyMs, endMs });
      tick = next;
    }
    return { results, skipped };
  } finally {
    endProgress(path);
  }
}

function skippedBetween(
  tick: number,
  next: number,
  { startMs, everyMs, endMs }: { startMs: number; everyMs: number; endMs: number },
): number {
  const bound = endMs === Infinity ? next : Math.min(next, Math.ceil((endMs - startMs) / everyMs));
  return Math.max(0, bound - tick - 1);
}

function checked(
  { every, times, until, roundTimeout }: IntervalOptions,
  startMs: number,
): { everyMs: number; endMs: number } {
  const faults = durationFaults({ every, roundTimeout });
  const everyMs = faults.length > 0 ? 1 : Deadline.after(every).leftMs;
  const untilMs = until === undefined ? Infinity : momentMs(until);
  if (everyMs < 1) faults.push(`every: ${every} is no time`);
  if (untilMs === undefined) faults.push(`until: ${String(until)} is no moment, as ${momentForm} is`);
  if (times === undefined && until === undefined) faults.push('times or until must say when it ends');
  if (times !== undefined && !(Number.isInteger(times) && times > 0))
    faults.push(`times: ${times} is no positive number`);
  const rounds = Math.min(times ?? Infinity, Math.ceil(((untilMs ?? startMs) - startMs) / Math.max(everyMs, 1)));
  if (faults.length === 0 && rounds > mostTicks)
    faults.push(`there would be ${rounds} rounds, of at most ${mostTicks}; a loop with sleepUntil has no such bound`);
  if (faults.length > 0) throw fail('Pattern.InvalidSteps', `everyInterval: ${faults.join('; ')}`);
  return { everyMs, endMs: untilMs ?? Infinity };
}

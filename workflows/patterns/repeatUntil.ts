import { Deadline, type Duration } from '../deadline.js';
import { type RoundsOptions, runRounds, type Stopped } from './rounds.js';

export interface RepeatOptions<Output> extends RoundsOptions {
  /** Whether the output is what is wanted: a function, or an agent's or a tool's answer. */
  until: (output: Output, round: number) => boolean | Promise<boolean>;
  /** Rounds at most. */
  maxRounds: number;
  /** How good an output is, higher is better: the best is kept by it. Default: the last is the best. */
  score?: (output: Output) => number;
  /** Wait before each round but the first. Default: none. */
  delay?: Duration;
  /** What each wait is times as long as the one before it. Default 1. */
  backoff?: number;
  /** The longest wait. Default: ten times `delay`. */
  maxDelay?: Duration;
}

export interface Repeated<Output> {
  /** The output that was wanted, or the best one. */
  output: Output;
  met: boolean;
  rounds: number;
  stopped: Stopped;
}

/**
 * Run `body` again and again until its output is what is wanted, or a bound is reached: to poll, or to try until it is good
 * enough. The body gets the number of the round, from 1, and the output before.
 *
 * @throws ApplicationFailure of the body; `Step.DeadlineExceeded` when there is no output in time; `Pattern.InvalidSteps`
 */
export async function repeatUntil<Output>(
  body: (round: number, previous: Output | undefined) => Promise<Output>,
  { until, score, delay = 0, backoff = 1, maxDelay, ...options }: RepeatOptions<Output>,
): Promise<Repeated<Output>> {
  const firstMs = Deadline.after(delay).leftMs;
  const longestMs = maxDelay === undefined ? firstMs * 10 : Deadline.after(maxDelay).leftMs;
  const delayMs = (round: number): number => Math.min(firstMs * backoff ** (round - 2), longestMs);
  let previous: Output | undefined;
  const settings = { ...options, pattern: 'repeatUntil', delayMs };
  const { best, rounds, stopped } = await runRounds<Output>(settings, async (round) => {
    const output = (previous = await body(round, previous));
    return { output, met: await until(output, round), score: score?.(output) };
  });
  return { output: best.output, met: best.met, rounds, stopped };
}

import { isCancellation } from '@temporalio/workflow';
import type { StepError, StepResult } from '../../core/results.js';
import type { Deadline } from '../deadline.js';
import { failureOf, notNeeded, startStep, startTimer, timedOut } from '../settle.js';

export interface Turn<Output> {
  path: string;
  body: () => Promise<Output>;
}

export interface TurnsOptions {
  /** Of the pattern, whose deadline it is. */
  path: string;
  onFailure: 'fail' | 'continue';
  deadline: Deadline | undefined;
}

export interface Turns<Output> {
  /** What became of each, in their order. */
  results: StepResult<Output>[];
  /** Whether the pattern's deadline has ended the turn that failed so. */
  isLate: (error: StepError) => boolean;
  /** It has ended one. */
  late: boolean;
}

/**
 * All turns of a round at once. With `onFailure: 'fail'` the first failure cancels the others and is thrown when they have ended;
 * running into the pattern's own deadline is none.
 */
export async function runTurns<Output>(
  turns: readonly Turn<Output>[],
  { path, onFailure, deadline }: TurnsOptions,
): Promise<Turns<Output>> {
  const running = turns.map((turn) => startStep(turn.path, turn.body));
  let over = false;
  const isLate = ({ type, step }: StepError): boolean => over && type === 'Step.DeadlineExceeded' && step === path;
  const timer = startTimer(path, deadline?.leftMs, () => {
    over = true;
    for (const step of running) step.cancel(timedOut(path));
  });
  let thrown: Error | undefined;
  const settled = running.map(async (step): Promise<StepResult<Output>> => {
    const result = await step.result;
    if (result.status === 'failed' && onFailure === 'fail' && !thrown && !isLate(result.error)) {
      thrown = step.thrown() ?? failureOf(result);
      for (const other of running) other.cancel(notNeeded);
    }
    return result;
  });
  try {
    const results = await Promise.all(settled);
    if (thrown) throw thrown;
    const late = results.some((result) => result.status === 'failed' && isLate(result.error));
    return { results, isLate, late };
  } catch (error) {
    // A bug ends the workflow task at once; a cancelled run waits until nothing of it runs any more.
    if (isCancellation(error)) await Promise.allSettled(settled);
    throw error;
  } finally {
    timer.cancel();
  }
}

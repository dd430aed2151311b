import type { StepError, StepResult } from '../../core/results.js';
import type { Deadline } from '../deadline.js';
import { failureOf, notNeeded, startStep } from '../settle.js';

export interface Turn<Output> {
  path: string;
  body: () => Promise<Output>;
}

export interface TurnsOptions {
  onFailure: 'fail' | 'continue';
  deadline: Deadline | undefined;
}

/**
 * All turns of a round at once. With `onFailure: 'fail'` the first failure cancels the others and is thrown when they have ended;
 * running into the pattern's own deadline is none.
 *
 * @returns what became of each, in their order
 */
export async function runTurns<Output>(
  turns: readonly Turn<Output>[],
  { onFailure, deadline }: TurnsOptions,
): Promise<StepResult<Output>[]> {
  const running = turns.map(({ path, body }) => startStep(path, body, { timeout: deadline?.leftMs }));
  let thrown: Error | undefined;
  const settled = running.map(async (step): Promise<StepResult<Output>> => {
    const result = await step.result;
    if (result.status === 'failed' && onFailure === 'fail' && !thrown && !isLate(result.error, deadline)) {
      thrown = step.thrown() ?? failureOf(result);
      for (const other of running) other.cancel(notNeeded);
    }
    return result;
  });
  const results = await Promise.all(settled).catch(async (error: unknown) => {
    await Promise.allSettled(settled);
    throw error;
  });
  if (thrown) throw thrown;
  return results;
}

/** Whether the pattern's own deadline has ended a step. */
export function isLate({ type }: StepError, deadline: Deadline | undefined): boolean {
  return type === 'Step.DeadlineExceeded' && deadline?.leftMs === 0;
}

/**
 * The time a map has. Without `onFailure: 'continue'` its limit is that of all of it. With it the limit ends the map with the items
 * that completed by then, and what is made of them has as long again.
 */
import type { CompletedStep } from '../../core/results.js';
import { Deadline } from '../deadline.js';
import { endProgress } from '../progress.js';
import { failureOf, startStep } from '../settle.js';
import type { AnyMapReduce } from './mapReduceOptions.js';

export interface MapTime {
  /** Of the items. */
  deadline: Deadline;
  /** Of what is made of them; absent when it is the same, and means the end of everything. */
  reduceDeadline?: Deadline;
}

/** For the end of what runs at a deadline, and for writing down what came of it. */
export const endingMs = 60_000;

/** What `work` comes to at `path`. @throws ApplicationFailure `Step.DeadlineExceeded`, or what `work` throws */
export async function inMapTime<Output>(
  path: string,
  { timeout = '1d', onFailure }: Pick<AnyMapReduce, 'timeout' | 'onFailure'>,
  work: (time: MapTime) => Promise<Output>,
): Promise<CompletedStep<Output>> {
  const deadline = Deadline.after(timeout);
  const wholeMs = onFailure === 'continue' ? 2 * deadline.leftMs + endingMs : deadline.leftMs;
  const time = { deadline, ...(onFailure === 'continue' && { reduceDeadline: Deadline.after(wholeMs) }) };
  try {
    const step = startStep(path, () => work(time), { timeout: wholeMs });
    const result = await step.result;
    if (result.status !== 'completed') throw step.thrown() ?? failureOf(result);
    return result;
  } finally {
    endProgress(path);
  }
}

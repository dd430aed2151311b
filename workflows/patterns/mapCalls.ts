import type { ItemStep } from '../../core/batches.js';
import { Deadline } from '../deadline.js';
import { endProgress } from '../progress.js';
import { nextPath } from '../scope.js';
import { complete } from '../settle.js';
import { type BatchedMap, mapInBatches } from './mapInBatches.js';
import type { MapEnded } from './mapReduceOptions.js';

export type MapCallsOptions = Pick<
  BatchedMap,
  'concurrency' | 'itemConcurrency' | 'onFailure' | 'minimum' | 'timeout' | 'list'
>;

/**
 * {@link mapReduce} without a reduction, for what is known by its name only.
 *
 * @throws ApplicationFailure of the item that failed; `Step.DeadlineExceeded`; `Pattern.TooFew`; `Plan.TooLarge`
 */
export async function mapCalls(step: ItemStep, items: readonly unknown[], options: MapCallsOptions): Promise<MapEnded> {
  const path = nextPath('mapReduce');
  const deadline = Deadline.after(options.timeout ?? '1d');
  try {
    return await complete(path, () => mapInBatches(path, { ...options, items, step }, deadline), {
      timeout: deadline.leftMs,
    });
  } finally {
    endProgress(path);
  }
}

import type { ItemStep } from '../../core/batches.js';
import { nextPath } from '../scope.js';
import { type BatchedMap, mapInBatches } from './mapInBatches.js';
import type { MapEnded } from './mapReduceOptions.js';
import { inMapTime } from './mapTime.js';

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
  return (await inMapTime(path, options, (time) => mapInBatches(path, { ...options, items, step }, time))).output;
}

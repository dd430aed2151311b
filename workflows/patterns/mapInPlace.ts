import { patched } from '@temporalio/workflow';
import type { ItemFailure } from '../../core/batches.js';
import { branchPath, within } from '../scope.js';
import type { AnyMapReduce, MapEnded } from './mapReduceOptions.js';
import type { MapTime } from './mapTime.js';
import { parallel } from './parallel.js';
import { reduceInPlace } from './reduceInPlace.js';

/** A map by a function of the workflow: its items are branches there. */
export async function mapInPlace(
  path: string,
  options: Omit<AnyMapReduce, 'items'> & { items: readonly unknown[] },
  { deadline }: MapTime,
): Promise<MapEnded> {
  const { items, map, concurrency = 4, itemConcurrency = 16, onFailure, minimum = 0 } = options;
  const body = map as (item: unknown) => Promise<unknown>;
  const branches = items.map((item) => () => body(item));
  const atOnce = { concurrency: concurrency * itemConcurrency };
  const total = items.length;
  const outputs: unknown[] = [];
  const failures: ItemFailure[] = [];
  await within(branchPath(path, 'map'), async () => {
    if (onFailure !== 'continue') {
      outputs.push(...(await parallel(branches, atOnce)));
      return;
    }
    const inTime = patched('maps-keep-what-completed') ? { timeout: deadline.leftMs } : {};
    const results = await parallel(branches, { ...atOnce, ...inTime, onFailure, minimum });
    results.forEach((result, item) => {
      if (result.status === 'completed') outputs.push(result.output);
      else failures.push({ item, error: result.error });
    });
  });
  const counts = { total, completed: outputs.length, failed: failures.length, failures };
  if (outputs.length === 0 && total > 0) return { output: undefined, counts };
  return { output: await reduceInPlace(path, options, [outputs]), counts };
}

/**
 * A map in a workflow of its own, whose caller's history stays the same for ten items as for a hundred thousand.
 *
 * Invariant: what comes back to the caller does so in pieces that a payload carries.
 */
import { executeChild, workflowInfo } from '@temporalio/workflow';
import { type ItemStep, noTotals, type StoredItems } from '../../core/batches.js';
import { referenceOf } from '../agent/stepReference.js';
import { Deadline } from '../deadline.js';
import { fail, stepFailure } from '../failure.js';
import { runContext } from '../runContext.js';
import { countRepetitions, countUsage, watched } from '../scope.js';
import { followMap } from './mapProgress.js';
import type { AnyMapReduce, MapEnded } from './mapReduceOptions.js';
import {
  batchActivities,
  contextOf,
  largestOtherBatch,
  largestToolBatch,
  type MapEnd,
  type MapState,
} from './mapState.js';
import { endingMs, type MapTime } from './mapTime.js';
import { reduceInPlace } from './reduceInPlace.js';

export interface BatchedMap extends Omit<AnyMapReduce, 'map'> {
  /** What is done with each item. */
  step: ItemStep;
  /** Nothing reduces the outputs, and they come as a list, null for a failed item; not as a document. */
  list?: { mostCharacters: number };
}

/** @throws ApplicationFailure `Plan.TooLarge` when the outputs are too many for a list */
export async function mapInBatches(path: string, options: BatchedMap, time: MapTime): Promise<MapEnded> {
  const state = stateOf(path, options, time);
  const stored = await storeItems(state, options.items);
  const follow = followMap(path, stored.items);
  const end = await watched(() => runMap({ ...state, ...stored })).finally(() => follow.end());
  countUsage(end.used.usage);
  countRepetitions(end.used.repetitions);
  const { completed, failed, failures, items: total } = end.mapped;
  const { outputs, failedItems } = end;
  const counts = { total, completed, failed, failures, ...(failedItems && { failedItems }) };
  if (options.list) return { output: await listOf(state, options.list), counts };
  if (!options.reduce) return { output: outputs, counts };
  if (state.reduce && completed > 0) return { output: end.output, counts };
  // To reduce nothing is up to the function; that nothing is left of something is no result.
  if (completed === 0 && total > 0) return { output: undefined, counts };
  return { output: await reduceInPlace(path, options, outputsOf(state)), counts };
}

async function listOf(state: MapState, { mostCharacters }: { mostCharacters: number }): Promise<unknown[]> {
  const list: unknown[] = [];
  let characters = 0;
  for await (const page of outputsOf(state, { everyItem: true })) {
    characters += JSON.stringify(page).length;
    if (characters > mostCharacters) {
      const advice = 'let the map give a document, or less of each element';
      throw fail('Plan.TooLarge', `the outputs have over ${mostCharacters} characters: ${advice}`, state.path);
    }
    for (const output of page) list.push(output);
  }
  return list;
}

/** The outputs of a map, in pages of what one payload should carry. */
async function* outputsOf(state: MapState, more: { everyItem?: true } = {}): AsyncGenerator<unknown[]> {
  for (let batch: number | undefined = 0; batch !== undefined;) {
    const request = { path: `${state.path}/map`, batch, ctx: contextOf(state), ...more };
    const { outputs, next } = await batchActivities(`${state.path}/outputs#${batch}`, endOf(state)).readOutputs(
      request,
    );
    yield outputs;
    batch = next;
  }
}

function stateOf(path: string, options: BatchedMap, { deadline, reduceDeadline }: MapTime): MapState {
  const { reduce, combine = reduce, batchSize, onFailure, minimum = 0 } = options;
  const predecessor = runContext()?.predecessor;
  const reduceStep = reduce && referenceOf(reduce);
  const combineStep = combine && referenceOf(combine);
  return {
    version: 1,
    run: workflowInfo().runId,
    ...(predecessor !== undefined && { predecessor }),
    path,
    deadlineMs: deadline.atMs,
    ...(reduceDeadline && { reduceDeadlineMs: reduceDeadline.atMs }),
    concurrency: options.concurrency ?? 4,
    itemConcurrency: options.itemConcurrency ?? 16,
    ...(batchSize !== undefined && { batchSize }),
    keepGoing: onFailure === 'continue',
    minimum,
    step: options.step,
    ...(reduceStep && combineStep && { reduce: { step: reduceStep, combine: combineStep } }),
    fanIn: options.fanIn ?? 50,
    writeOutputs: !reduce && !options.list,
    level: 0,
    items: 0,
    batches: 0,
    next: 0,
    totals: noTotals,
    used: { usage: [0, 0, '0'], repetitions: 0 },
  };
}

async function storeItems(state: MapState, items: AnyMapReduce['items']): Promise<StoredItems> {
  const { path, deadlineMs, concurrency, batchSize, step } = state;
  const itemsPath = `${path}/map/items`;
  try {
    return await batchActivities(itemsPath, deadlineMs).storeItems({
      path: `${path}/map`,
      source: 'document' in items ? { document: items.document, split: items.split } : { items: items as unknown[] },
      concurrency,
      ...(batchSize !== undefined && { batchSize }),
      largestBatch: 'tool' in step ? largestToolBatch : largestOtherBatch,
      ctx: contextOf(state),
    });
  } catch (error) {
    throw stepFailure(error, itemsPath, 'Step.DeadlineExceeded');
  }
}

async function runMap(state: MapState): Promise<MapEnd> {
  try {
    return await executeChild<(state: MapState) => Promise<MapEnd>>('mapBatches', {
      args: [state],
      workflowExecutionTimeout: Deadline.at(endOf(state)).leftMs + endingMs,
    });
  } catch (error) {
    throw stepFailure(error, state.path, 'Step.DeadlineExceeded');
  }
}

function endOf({ deadlineMs, reduceDeadlineMs = deadlineMs }: MapState): number {
  return reduceDeadlineMs;
}

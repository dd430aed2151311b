import { executeChild, workflowInfo } from '@temporalio/workflow';
import { type ItemStep, noTotals, type StoredItems } from '../../core/batches.js';
import type { DocumentRef } from '../../core/document.js';
import { splitText } from '../../core/split.js';
import { referenceOf } from '../agent/stepReference.js';
import { Deadline } from '../deadline.js';
import { stepFailure } from '../failure.js';
import { endProgress } from '../progress.js';
import { runContext } from '../runContext.js';
import { countRepetitions, countUsage, nextPath } from '../scope.js';
import { failureOf, startStep } from '../settle.js';
import { checkMapReduce } from './checkMapReduce.js';
import { mapInPlace } from './mapInPlace.js';
import {
  batchActivities,
  contextOf,
  largestOtherBatch,
  largestToolBatch,
  type MapEnd,
  type MapState,
} from './mapState.js';
import { followMap } from './mapProgress.js';
import type {
  AnyMapReduce,
  FailFast,
  KeepGoing,
  MapEnded,
  MapOnly,
  MapReduced,
  MapReduceOptions,
  OtherKind,
  SameKind,
} from './mapReduceOptions.js';
import { reduceInPlace } from './reduceInPlace.js';

/**
 * Do the same with each of many items, then reduce the outputs to one, as a tree. Ten items or a hundred thousand: tools and agents
 * of a proxy work in batches outside of this workflow's history, each item a step of its own that is never done twice.
 *
 * Without `reduce` the outputs come as a JSON document with an entry an item. The first failed item ends it with that item's
 * failure; with `onFailure: 'continue'` the others go on, and what comes out says how many completed.
 *
 * @throws ApplicationFailure of the item or reduction that failed; `Step.DeadlineExceeded`; `Pattern.TooFew` when `minimum` is not
 *   reached; `Pattern.InvalidSteps` before anything runs
 */
export function mapReduce<Item, Mapped, Reduced>(
  options: MapReduceOptions<Item, Mapped> & OtherKind<Mapped, Reduced> & KeepGoing,
): Promise<MapReduced<Reduced>>;
export function mapReduce<Item, Mapped, Reduced>(
  options: MapReduceOptions<Item, Mapped> & OtherKind<Mapped, Reduced> & FailFast,
): Promise<Reduced>;
export function mapReduce<Item, Mapped>(
  options: MapReduceOptions<Item, Mapped> & SameKind<Mapped> & KeepGoing,
): Promise<MapReduced<Mapped>>;
export function mapReduce<Item, Mapped>(
  options: MapReduceOptions<Item, Mapped> & SameKind<Mapped> & FailFast,
): Promise<Mapped>;
export function mapReduce<Item, Mapped>(
  options: MapReduceOptions<Item, Mapped> & MapOnly & KeepGoing,
): Promise<MapReduced<DocumentRef>>;
export function mapReduce<Item, Mapped>(
  options: MapReduceOptions<Item, Mapped> & MapOnly & FailFast,
): Promise<DocumentRef>;
export async function mapReduce(options: AnyMapReduce): Promise<unknown> {
  checkMapReduce(options);
  const path = nextPath('mapReduce');
  const deadline = Deadline.after(options.timeout ?? '1d');
  const source = options.items;
  const items = 'text' in source ? splitText(source.text, source.split) : source;
  const work = () =>
    itemStepOf(options.map)
      ? mapInBatches(path, { ...options, items }, deadline)
      : mapInPlace(path, { ...options, items: items as readonly unknown[] });
  try {
    const step = startStep(path, work, { timeout: deadline.leftMs });
    const result = await step.result;
    if (result.status !== 'completed') throw step.thrown() ?? failureOf(result);
    const { output: ended, ...facts } = result;
    if (options.onFailure !== 'continue') return ended.output;
    const { output, counts } = ended;
    const { total, completed, failures } = counts;
    const first = failures[0];
    return {
      ...facts,
      status: completed === total ? 'completed' : completed > 0 ? 'partial' : 'failed',
      ...(output !== undefined && { output }),
      steps: counts,
      ...(first && { error: first.error, failedStep: `item#${first.item}` }),
    } satisfies MapReduced<unknown>;
  } finally {
    endProgress(path);
  }
}

async function mapInBatches(path: string, options: AnyMapReduce, deadline: Deadline): Promise<MapEnded> {
  const state = stateOf(path, options, deadline);
  const stored = await storeItems(state, options.items);
  const follow = followMap(path, stored.items);
  const end = await runMap({ ...state, ...stored }).finally(() => follow.end());
  countUsage(end.used.usage);
  countRepetitions(end.used.repetitions);
  const { completed, failed, failures, items: total } = end.mapped;
  const { outputs, failedItems } = end;
  const counts = { total, completed, failed, failures, ...(failedItems && { failedItems }) };
  if (!options.reduce) return { output: outputs, counts };
  if (state.reduce && completed > 0) return { output: end.output, counts };
  // To reduce nothing is up to the function; that nothing is left of something is no result.
  if (completed === 0 && total > 0) return { output: undefined, counts };
  return { output: await reduceInPlace(path, options, outputsOf(state)), counts };
}

/** The outputs of a map, in pages of what one payload should carry. */
async function* outputsOf(state: MapState): AsyncGenerator<unknown[]> {
  for (let batch: number | undefined = 0; batch !== undefined;) {
    const request = { path: `${state.path}/map`, batch, ctx: contextOf(state) };
    const { outputs, next } = await batchActivities(`${state.path}/outputs#${batch}`, state.deadlineMs).readOutputs(
      request,
    );
    yield outputs;
    batch = next;
  }
}

function stateOf(path: string, options: AnyMapReduce, deadline: Deadline): MapState {
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
    concurrency: options.concurrency ?? 4,
    itemConcurrency: options.itemConcurrency ?? 16,
    ...(batchSize !== undefined && { batchSize }),
    keepGoing: onFailure === 'continue',
    minimum,
    step: itemStepOf(options.map)!,
    ...(reduceStep && combineStep && { reduce: { step: reduceStep, combine: combineStep } }),
    fanIn: options.fanIn ?? 50,
    writeOutputs: !reduce,
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
      workflowExecutionTimeout: Deadline.at(state.deadlineMs).leftMs + 60_000,
    });
  } catch (error) {
    throw stepFailure(error, state.path, 'Step.DeadlineExceeded');
  }
}

/** Undefined for a function that runs in this workflow. */
function itemStepOf(map: AnyMapReduce['map']): ItemStep | undefined {
  return typeof map === 'function' ? referenceOf(map) : { workflow: map.workflow.name };
}

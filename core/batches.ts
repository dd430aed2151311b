/**
 * What a map of many items and the activities that work through it say to each other, and the sizes that follow from the number
 * of items.
 *
 * Invariants:
 * 1. Items and outputs stay in the ledger; where they stand (run, path, batch) crosses. Lists that cross are bounded.
 * 2. As in contracts.ts: only JSON, and fields are only ever added.
 */
import type { ModelCallOptions, RunContext } from './contracts.js';
import type { DocumentRef } from './document.js';
import type { StepError } from './results.js';
import type { SplitOptions } from './split.js';

/** What is done with each item. */
export type ItemStep =
  | { tool: string; maxAttempts?: number }
  | { agent: string; options?: ModelCallOptions; maxTurns?: number }
  /** A child workflow an item. */
  | { workflow: string };

export type ItemSource =
  | { items: readonly unknown[] }
  | { document: DocumentRef; split: SplitOptions }
  /** The outputs of another map, in groups of at most so many. */
  | { outputsOf: string; group: number };

export interface StoreItemsRequest {
  /** Of the map: `mapReduce#1/map`. */
  path: string;
  source: ItemSource;
  concurrency: number;
  batchSize?: number;
  /** The largest default size. */
  largestBatch: number;
  ctx?: RunContext;
}

export interface StoredItems {
  items: number;
  batches: number;
}

export interface BatchRequest {
  path: string;
  batch: number;
  ctx?: RunContext;
}

export interface RunBatchRequest extends BatchRequest {
  step: ItemStep;
  itemConcurrency: number;
  /** False: the first item that fails ends the batch with its failure. */
  keepGoing: boolean;
  /** False: a budget that asks is like any other. Else it ends the batch, which goes on where it stopped after a person's answer. */
  ask?: false;
}

/** A failed item, by its number from 0. */
export interface ItemFailure {
  item: number;
  error: StepError;
}

/** What became of a batch, or of all batches so far. */
export interface BatchTotals {
  completed: number;
  failed: number;
  /** Input tokens, output tokens, cost in pico-USD. */
  usage: [number, number, string];
  /** Attempts beyond the first of each item. */
  repetitions: number;
  /** The first `toldFailures` of them. */
  failures: ItemFailure[];
}

/** `unbatched`: the items need workflow code (an agent with tools), and none has run. */
export type RunBatchResult = BatchTotals | { unbatched: true };

/** `[output]`, or why there is none. */
export type ItemEnd = readonly [output: unknown] | StepError;

export interface RecordBatchRequest extends BatchRequest {
  ends: readonly ItemEnd[];
  usage: [number, number, string];
  repetitions: number;
}

export interface ReadItemsResult {
  items: unknown[];
  /** Number of the first. */
  first: number;
}

export interface ReadOutputsRequest extends BatchRequest {
  /** Also of failed items: null. */
  everyItem?: boolean;
}

export interface ReadOutputsResult {
  /** Of the completed items, in order. */
  outputs: unknown[];
  /** The batch to go on with; absent at the end. */
  next?: number;
}

export interface WriteOutputsRequest {
  path: string;
  /** `outputs`: a JSON array with an entry an item, null for a failed one. `failures`: a JSON array of `ItemFailure`s. */
  what: 'outputs' | 'failures';
  ctx?: RunContext;
}

export interface CloseBatchesRequest {
  path: string;
  step: ItemStep;
  ctx?: RunContext;
}

export interface BatchActivities {
  storeItems(request: StoreItemsRequest): Promise<StoredItems>;
  runBatch(request: RunBatchRequest): Promise<RunBatchResult>;
  readItems(request: BatchRequest): Promise<ReadItemsResult>;
  recordBatch(request: RecordBatchRequest): Promise<BatchTotals>;
  /**
   * Ends the batches that have not ended, with what the ledger knows of their items: those that are not done were not in time.
   *
   * @returns of all batches
   */
  closeBatches(request: CloseBatchesRequest): Promise<BatchTotals>;
  readOutputs(request: ReadOutputsRequest): Promise<ReadOutputsResult>;
  writeOutputs(request: WriteOutputsRequest): Promise<DocumentRef>;
}

/** Failures a result names; all of them stand in a document. */
export const toldFailures = 20;
export const mostItems = 1_000_000;
const mostBatches = 10_000;
/** Smaller batches cost more in Temporal than they gain by running side by side. */
const smallestBatch = 20;

/** The end of an item that the deadline of its map came before. */
export const notBegun: StepError = { type: 'Step.DeadlineExceeded', message: 'it was not begun in time' };

export const noTotals: BatchTotals = { completed: 0, failed: 0, usage: [0, 0, '0'], repetitions: 0, failures: [] };

export function addTotals(sum: BatchTotals, more: BatchTotals): BatchTotals {
  return {
    completed: sum.completed + more.completed,
    failed: sum.failed + more.failed,
    usage: [
      sum.usage[0] + more.usage[0],
      sum.usage[1] + more.usage[1],
      String(BigInt(sum.usage[2]) + BigInt(more.usage[2])),
    ],
    repetitions: sum.repetitions + more.repetitions,
    failures: [...sum.failures, ...more.failures].sort((a, b) => a.item - b.item).slice(0, toldFailures),
  };
}

export function totalsOf(
  ends: readonly ItemEnd[],
  first: number,
  used: Pick<BatchTotals, 'usage' | 'repetitions'>,
): BatchTotals {
  const failures = ends.flatMap((end, index): ItemFailure[] =>
    isOutput(end) ? [] : [{ item: first + index, error: end }],
  );
  const { usage, repetitions } = used;
  return {
    completed: ends.length - failures.length,
    failed: failures.length,
    usage,
    repetitions,
    failures: failures.slice(0, toldFailures),
  };
}

export function isOutput(end: ItemEnd): end is readonly [output: unknown] {
  return Array.isArray(end);
}

/** Every batch that may run at once gets its share, within what is worth a batch. */
export function batchSizeOf(
  items: number,
  { concurrency, batchSize, largestBatch }: { concurrency: number; batchSize?: number; largestBatch: number },
): number {
  const share = Math.min(Math.max(Math.ceil(items / concurrency), smallestBatch), largestBatch);
  return Math.max(batchSize ?? share, Math.ceil(items / mostBatches));
}

import type { BatchTotals, ItemStep } from '../../core/batches.js';
import type { RunContext } from '../../core/contracts.js';
import type { DocumentRef } from '../../core/document.js';
import { remoteActivities } from '../activities.js';
import { Deadline } from '../deadline.js';
import { runContext } from '../runContext.js';

/**
 * A map and its reduction by tools or agents, as they stand between two batches: JSON, and the same size for ten items as for a
 * million. It outlives deploys, so it carries a version.
 */
export interface MapState {
  version: 1;
  /** Under which its steps stand, wherever they run; and the run which that retries. */
  run: string;
  predecessor?: string;
  /** Of the pattern: `mapReduce#1`. */
  path: string;
  /** Workflow clock, epoch milliseconds. */
  deadlineMs: number;
  /** When it is there, `deadlineMs` ends the items and keeps those that completed; what is made of them has until then. */
  reduceDeadlineMs?: number;
  concurrency: number;
  itemConcurrency: number;
  batchSize?: number;
  /** A failed item ends the map, unless `keepGoing`; then fewer than `minimum` completed ones do. */
  keepGoing: boolean;
  minimum: number;
  step: ItemStep;
  /** Absent: the caller reduces. */
  reduce?: { step: ItemStep; combine: ItemStep };
  fanIn: number;
  /** Write all outputs into a document at the end. */
  writeOutputs: boolean;
  /** 0: the map; from 1: the reduction's. */
  level: number;
  /** Of this level. */
  items: number;
  batches: number;
  next: number;
  totals: BatchTotals;
  /** The map's, once it is done; and how many items it had. */
  mapped?: BatchTotals & { items: number };
  /** Of all levels before this one. */
  used: Pick<BatchTotals, 'usage' | 'repetitions'>;
}

/** The result of the map's own workflow. */
export interface MapEnd {
  mapped: BatchTotals & { items: number };
  used: Pick<BatchTotals, 'usage' | 'repetitions'>;
  /** Of the reduction; absent without one, and when no item completed. */
  output?: unknown;
  outputs?: DocumentRef;
  failedItems?: DocumentRef;
}

/** The map's own workflow tells its caller how far it is. */
export const mapProgressSignal = 'segnoMapProgress';
export interface MapProgress {
  path: string;
  counts: Record<string, number>;
}

export const largestToolBatch = 500;
/** Calls of models take seconds; and items that need workflow code leave events each in their batch's history. */
export const largestOtherBatch = 100;

export function levelPath({ path, level }: Pick<MapState, 'path' | 'level'>): string {
  return level === 0 ? `${path}/map` : `${path}/reduce#${level}`;
}

/** What is done with each item of the level. */
export function stepOf({ level, step, reduce }: MapState): ItemStep {
  if (level === 0 || !reduce) return step;
  return level === 1 ? reduce.step : reduce.combine;
}

export function contextOf({ run, predecessor }: Pick<MapState, 'run' | 'predecessor'>): RunContext {
  return { ...runContext(), run, ...(predecessor !== undefined && { predecessor }) };
}

/** At its deadline the map cancels what runs, and waits for its end: a time-out of the server's would only forget it. */
const marginMs = 30_000;

/** Activities of a map: they have until its deadline, retries included. */
export function batchActivities(path: string, deadlineMs: number): ReturnType<typeof remoteActivities> {
  const leftMs = Deadline.at(deadlineMs).leftMs + marginMs;
  return remoteActivities(path, { startToCloseTimeout: leftMs, scheduleToCloseTimeout: leftMs });
}

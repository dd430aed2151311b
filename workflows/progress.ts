/**
 * What a run's patterns are doing now, for people who watch: the answer to the query `segnoProgress`.
 *
 * Invariants:
 * 1. Only patterns under way are listed, and of those with many steps only counts: the answer stays small.
 * 2. Nothing is decided by it, and nothing of it is in history.
 */
import { defineQuery, setHandler } from '@temporalio/workflow';
import { progressQueryName, type PatternProgress } from '../core/contracts.js';

const underWay = new Map<string, PatternProgress>();
let answering = false;

/** Show `progress` for the pattern at `path` until it is replaced or {@link endProgress} is called. */
export function showProgress(path: string, progress: PatternProgress): void {
  underWay.set(path, progress);
  if (answering) return;
  answering = true;
  setHandler(defineQuery<Record<string, PatternProgress>>(progressQueryName), () => Object.fromEntries(underWay));
}

export function endProgress(path: string): void {
  underWay.delete(path);
}

import { AsyncLocalStorage } from '@temporalio/workflow';
import type { KeyedBudget } from '../core/admission/settings.js';
import { fail } from './failure.js';
import type { SagaLog } from './sagaLog.js';

/**
 * Where in the structure of a run the running code stands; step keys are made of it.
 *
 * Invariants:
 * 1. A path names structure (pattern, branch, agent, turn, tool), never the order in which branches happened to run.
 * 2. A name that occurs again in the same place is numbered in the order of the calls, which replay repeats.
 * 3. What a step used counts for every meter around it, once.
 * 4. A path fits into the ledger's index, with up to four bytes a character.
 */
interface Scope {
  readonly path: string;
  readonly counts: Map<string, number>;
  readonly meters: readonly Meter[];
  readonly budgets: readonly KeyedBudget[];
  /** Around the code, the outermost first. */
  readonly sagas: readonly SagaLog[];
  /** Nothing of a run that this one retries is taken over here. */
  readonly anew?: true;
}

/** What the steps inside a piece of code have used so far. */
export interface Meter {
  inputTokens: number;
  outputTokens: number;
  costPicoUsd: bigint;
  /** Attempts beyond the first of each step. */
  repetitions: number;
}

const storage = new AsyncLocalStorage<Scope>();
const root: Scope = { path: '', counts: new Map(), meters: [], budgets: [], sagas: [] };

function current(): Scope {
  return storage.getStore() ?? root;
}

const longestPath = 600;

function join(path: string, segment: string): string {
  const joined = path === '' ? segment : `${path}/${segment}`;
  if (joined.length <= longestPath) return joined;
  throw fail(
    'Pattern.InvalidSteps',
    `${joined.slice(0, 100)}… is nested too deeply or named too long: the path of a step has at most ${longestPath} characters`,
  );
}

/** The path of the next step of that name in the current place: `parallel#1/risks/riskAnalyst#1`. */
export function nextPath(name: string): string {
  const { path, counts } = current();
  const count = (counts.get(name) ?? 0) + 1;
  counts.set(name, count);
  return join(path, `${name}#${count}`);
}

/** Run `body` with `path` as the place of everything it starts. */
export function within<T>(path: string, body: () => Promise<T>): Promise<T> {
  return storage.run({ ...current(), path, counts: new Map() }, body);
}

/** Run `body` as the branch `key` of the step at `path`; `/` in a key is written `%2F`. */
export function withinBranch<T>(path: string, key: string, body: () => Promise<T>): Promise<T> {
  return within(branchPath(path, key), body);
}

export function branchPath(path: string, key: string): string {
  return join(path, key.replaceAll('%', '%25').replaceAll('/', '%2F'));
}

/** Run `body` in its place, and count what its steps use. */
export function metered<T>(meter: Meter, body: () => Promise<T>): Promise<T> {
  const scope = current();
  return storage.run({ ...scope, meters: [...scope.meters, meter] }, body);
}

/** Run `body` with a budget that the model calls it starts are paid from, beside those around it. */
export function budgeted<T>(budget: KeyedBudget, body: () => Promise<T>): Promise<T> {
  const scope = current();
  return storage.run({ ...scope, budgets: [...scope.budgets, budget] }, body);
}

export function budgetsAround(): readonly KeyedBudget[] {
  return current().budgets;
}

export function newMeter(): Meter {
  return { inputTokens: 0, outputTokens: 0, costPicoUsd: 0n, repetitions: 0 };
}

/** @param usage input tokens, output tokens, cost in pico-USD */
export function countUsage([inputTokens, outputTokens, costPicoUsd]: readonly [number, number, string]): void {
  for (const meter of current().meters) {
    meter.inputTokens += inputTokens;
    meter.outputTokens += outputTokens;
    meter.costPicoUsd += BigInt(costPicoUsd);
  }
}

export function countRepetitions(repetitions: number): void {
  for (const meter of current().meters) meter.repetitions += repetitions;
}

/** Run `body` as that of a saga. */
export function inSaga<T>(log: SagaLog, body: () => Promise<T>): Promise<T> {
  const scope = current();
  return storage.run({ ...scope, sagas: [...scope.sagas, log] }, body);
}

/** Run `body` outside of all sagas, and with nothing of a run that this one retries. */
export function anew<T>(body: () => Promise<T>): Promise<T> {
  return storage.run({ ...current(), sagas: [], anew: true }, body);
}

export function runsAnew(): boolean {
  return current().anew === true;
}

export function sagasAround(): readonly SagaLog[] {
  return current().sagas;
}

/** Where the running code stands. */
export function currentPath(): string {
  return current().path;
}

/** Run what may take effect: a saga around it does not go back while it runs. */
export function watched<T>(body: () => Promise<T>): Promise<T> {
  const running = body();
  for (const log of current().sagas) log.watch(running);
  return running;
}

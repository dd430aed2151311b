import { AsyncLocalStorage } from '@temporalio/workflow';

/**
 * Where in the structure of a run the running code stands; step keys are made of it.
 *
 * Invariants:
 * 1. A path names structure (pattern, branch, agent, turn, tool), never the order in which branches happened to run.
 * 2. A name that occurs again in the same place is numbered in the order of the calls, which replay repeats.
 */
interface Scope {
  readonly path: string;
  readonly counts: Map<string, number>;
}

const storage = new AsyncLocalStorage<Scope>();
const root: Scope = { path: '', counts: new Map() };

function current(): Scope {
  return storage.getStore() ?? root;
}

function join(path: string, segment: string): string {
  return path === '' ? segment : `${path}/${segment}`;
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
  return storage.run({ path, counts: new Map() }, body);
}

/** Run `body` as the branch `key` of the step at `path`; `/` in a key is written `%2F`. */
export function withinBranch<T>(path: string, key: string, body: () => Promise<T>): Promise<T> {
  return within(join(path, key.replaceAll('%', '%25').replaceAll('/', '%2F')), body);
}

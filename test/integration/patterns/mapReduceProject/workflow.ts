import { sleep } from '@temporalio/workflow';
import { fail, type MapReduced, mapReduce, proxyAgents, proxyTools } from '../../../../workflows/index.js';
import type { DocumentRef } from '../../../../core/document.js';

const tools = proxyTools<typeof import('./tools.js')>({ timeout: '1m', maxAttempts: 3 });
const agents = proxyAgents<typeof import('./agents.js')>({ timeout: '1m' });

type Sum = { sum: number };
export interface NumbersInput {
  case: string;
  tool: 'look' | 'book' | 'mail' | 'wait' | 'linger' | 'post';
  count: number;
  /** Number → how often it throws before it works; -1: always. */
  fails?: Record<number, number>;
  reduce: 'tool' | 'function' | 'none';
  onFailure?: 'fail' | 'continue';
  minimum?: number;
  batchSize?: number;
  concurrency?: number;
  itemConcurrency?: number;
  fanIn?: number;
  timeout?: number;
}

const addUp = (sums: Sum[]): Sum => ({ sum: sums.reduce((all, { sum }) => all + sum, 0) });

/** Numbers from 0, each through a tool, added up. */
export async function numbers(input: NumbersInput): Promise<MapReduced<unknown> | Sum | DocumentRef> {
  const { case: name, tool, count, fails = {}, reduce, onFailure = 'fail', ...options } = input;
  const items = Array.from({ length: count }, (_, n) => ({ case: name, n, fails: fails[n] ?? 0 }));
  const map = tools[tool];
  const given = { items, map, ...options };
  if (reduce === 'none') {
    return onFailure === 'continue' ? mapReduce({ ...given, onFailure }) : mapReduce({ ...given, onFailure });
  }
  const reduced = reduce === 'tool' ? tools.add : addUp;
  return onFailure === 'continue'
    ? mapReduce({ ...given, reduce: reduced, onFailure })
    : mapReduce({ ...given, reduce: reduced, onFailure });
}

/** Parts of a text, each through an agent, added up by another. */
export async function texts({ text, agent }: { text: string; agent: 'counter' | 'researcher' }): Promise<Sum> {
  return mapReduce({
    items: { text, split: { by: 'pages' } },
    map: agents[agent],
    reduce: agents.adder,
    fanIn: 2,
  });
}

/** The words of as many parts as an agent answers within the time. */
export async function textsInTime({ text, timeout }: { text: string; timeout: number }): Promise<MapReduced<Sum>> {
  return mapReduce({
    items: { text, split: { by: 'pages' } },
    map: agents.counter,
    reduce: addUp,
    onFailure: 'continue',
    timeout,
  });
}

export async function partsOf({ document }: { document: DocumentRef }): Promise<Sum> {
  return mapReduce({
    items: { document, split: { by: 'size', size: 100 } },
    map: tools.measure,
    reduce: tools.add,
  });
}

export async function double({ n }: { n: number }): Promise<Sum> {
  if (n === 99) await sleep('1 day');
  if (n < 0) throw fail('Tool.Failed', `${n} is negative`);
  return { sum: 2 * n };
}

/** Each item in a child workflow, or in this workflow. */
export async function doubles(input: {
  items: { n: number }[];
  inPlace: boolean;
  onFailure: 'fail' | 'continue';
  timeout?: number;
}): Promise<MapReduced<Sum> | Sum> {
  const { items, inPlace, onFailure, timeout = 3_600_000 } = input;
  const given = { items, map: inPlace ? double : { workflow: double }, reduce: addUp, fanIn: 3, timeout };
  return onFailure === 'continue' ? mapReduce({ ...given, onFailure }) : mapReduce({ ...given, onFailure });
}

/** Outputs that no single payload carries. */
export async function bigOutputs({ count, characters }: { count: number; characters: number }): Promise<Sum> {
  return mapReduce({
    items: Array.from({ length: count }, () => ({ characters })),
    map: tools.bigText,
    reduce: (parts) => ({ sum: parts.reduce((all, { text }) => all + text.length, 0) }),
    combine: addUp,
    batchSize: 2,
    fanIn: 3,
  });
}

/** Wrong use: nothing runs. */
export async function wrong({ case: name }: { case: string }): Promise<unknown> {
  return mapReduce({
    items: [{ case: name, n: 1 }],
    map: tools.look,
    reduce: addUp,
    batchSize: 0,
    fanIn: 1,
    concurrency: 1.5,
    onFailure: 'continue',
    minimum: 2,
  });
}

/** Fails after its map as long as it is told to. */
export async function thenFails(input: NumbersInput & { gate: string }): Promise<Sum> {
  const { gate, ...rest } = input;
  const result = (await numbers(rest)) as Sum;
  await tools.pass({ gate });
  return result;
}

const once = proxyTools<typeof import('./tools.js')>({ maxAttempts: 1 });

/** Numbers whose items get one attempt each. */
export async function numbersOnce({
  case: name,
  count,
  fails = {},
  batchSize,
  concurrency,
}: NumbersInput): Promise<Sum> {
  return mapReduce({
    items: Array.from({ length: count }, (_, n) => ({ case: name, n, fails: fails[n] ?? 0 })),
    map: once.mail,
    reduce: once.add,
    ...(batchSize !== undefined && { batchSize }),
    ...(concurrency !== undefined && { concurrency }),
  });
}

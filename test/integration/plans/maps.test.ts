/** Maps of plans over many elements. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ItemFailure } from '../../../core/batches.js';
import type { DocumentRef } from '../../../core/document.js';
import type { SegnoError } from '../../../core/errors.js';
import { json, scriptedModel, type ScriptedModel } from '../../../testing/index.js';
import { startTestStack, type TestStack } from '../../../testing/testStack.js';
import * as agents from './project/agents.js';
import * as tools from './project/tools.js';
import { callsOf } from './project/tools.js';

interface Listed<Outputs = unknown[]> {
  outputs: Outputs;
  total: number;
  completed: number;
  failed: number;
  failures: ItemFailure[];
  failedItems?: DocumentRef;
}

let stack: TestStack;
let model: ScriptedModel;

beforeAll(async () => {
  model = await scriptedModel(({ messages }) => {
    const { topic } = JSON.parse(String(messages.find(({ role }) => role === 'user')?.content)) as { topic: string };
    return json({ text: `about ${topic}` });
  });
  stack = await startTestStack({
    agents,
    tools,
    workflows: new URL('./project/workflow.ts', import.meta.url).href,
    model,
  });
}, 180_000);
afterAll(async () => {
  await stack.close();
  await model.close();
}, 180_000);

const ref = ($ref: string): object => ({ $ref });
const planOf = (map: object, more: object = {}): object => ({
  version: 1,
  name: 'maps',
  steps: [{ id: 'all', map: { over: ref('input.list'), ...map }, ...more }],
  output: ref('steps.all'),
});
const start = (plan: object, input: unknown) => stack.client.start<{ output: unknown }>('runPlan', { plan, input });

async function outputOf<Output>(map: object, input: unknown): Promise<Output> {
  return (await (await start(planOf(map), input)).result()).output as Output;
}

async function failureOf(map: object, input: unknown, more?: object): Promise<SegnoError> {
  return (await start(planOf(map, more), input)).result().then(
    (result) => Promise.reject(new Error(`expected a failure, got ${JSON.stringify(result)}`)),
    (error: unknown) => error as SegnoError,
  );
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n);
const words = (count: number): string[] => numbers(count).map((n) => `w${n}`);
const upper = (name: string): object => ({ tool: 'upper', input: { case: name, text: ref('item') } });
const double = { tool: 'double', input: { n: ref('item') } };
const twice = { workflow: 'twice', input: { n: ref('item') } };

async function documentOf(document: DocumentRef): Promise<unknown> {
  return JSON.parse(Buffer.from(await stack.client.getDocument(document)).toString());
}

describe('a map of a plan', () => {
  it('over 2,000 elements calls a tool once for each, and leaves the history of the plan as small as for 200', async () => {
    const events = async (count: number): Promise<number> => {
      const name = randomUUID();
      const run = await start(planOf({ do: upper(name), maxItems: 100_000 }), { list: words(count) });
      const { output } = await run.result();
      expect(output).toEqual(words(count).map((word) => ({ text: word.toUpperCase(), length: word.length })));
      expect(new Set(callsOf(name)).size).toBe(count);
      const { raw } = await stack.client.temporal.workflow.getHandle(run.id).describe();
      return Number(raw.workflowExecutionInfo?.historyLength);
    };
    const few = await events(200);
    expect(await events(2_000)).toBeLessThanOrEqual(few + 100);
  });

  it.each([10, 150])('gives the outputs of agents in order: %i elements', async (count) => {
    const about = { agent: 'writer', input: { topic: ref('item') } };
    expect(await outputOf({ do: about }, { list: words(count) })).toEqual(
      words(count).map((word) => ({ text: `about ${word}` })),
    );
  });

  it('starts a workflow for each element, and gives their outputs in order', async () => {
    const list = numbers(101).map((n) => n + 100);
    expect(await outputOf({ do: twice, concurrency: 30 }, { list })).toEqual(list.map((n) => ({ n: 2 * n })));
  });

  it('tells each element its number, and may refer to what stands around', async () => {
    const text = { $ref: 'input.words.0' };
    const map = { do: { tool: 'upper', input: { case: ref('input.name'), text, n: ref('index') } } };
    const name = randomUUID();
    await outputOf(map, { list: numbers(120), words: ['a'], name });
    expect(callsOf(name)).toHaveLength(120);
  });

  it.each([20, 120])('lists failed elements and keeps the others, when it says so: of %i', async (count) => {
    const map = { do: double, onFailure: 'continue', minimum: count - 1 };
    const result = await outputOf<Listed>(map, { list: numbers(count) });
    expect(result).toMatchObject({ total: count, completed: count - 1, failed: 1 });
    expect(result.outputs).toEqual(numbers(count).map((n) => (n === 13 ? null : { n: 2 * n })));
    expect(result.failures).toMatchObject([
      { item: 13, error: { type: 'Tool.Failed', message: 'thirteen is refused' } },
    ]);
    if (result.failedItems) expect(await documentOf(result.failedItems)).toMatchObject([{ item: 13 }]);
    const few = await failureOf({ ...map, minimum: count }, { list: numbers(count) });
    expect(few).toMatchObject({ type: 'Pattern.TooFew' });
    expect(few.message).toContain('thirteen is refused');
  });

  it.each([20, 120])('fails with the failure of its element, otherwise: of %i', async (count) => {
    const error = await failureOf({ do: double }, { list: numbers(count) });
    expect(error).toMatchObject({ type: 'Tool.Failed', message: 'thirteen is refused' });
  });

  it('gives a document when it says so, however few elements there are', async () => {
    const name = randomUUID();
    const document = await outputOf<DocumentRef>({ do: upper(name), gives: 'document' }, { list: ['a', 'b'] });
    expect(await documentOf(document)).toEqual([
      { text: 'A', length: 1 },
      { text: 'B', length: 1 },
    ]);
    const map = { do: double, gives: 'document', onFailure: 'continue' };
    const listed = await outputOf<Listed<DocumentRef>>(map, { list: [12, 13] });
    expect(listed).toMatchObject({ total: 2, failed: 1 });
    expect(await documentOf(listed.outputs)).toEqual([{ n: 24 }, null]);
  });

  it('is refused by its run, with the way out, for more elements or characters than it may have', async () => {
    expect(await failureOf({ do: twice }, { list: numbers(1_001) })).toMatchObject({
      type: 'Plan.MissingValue',
      message: 'steps.all.map.over has 1001 elements; at most 1000 are allowed (maxItems may be up to 100000)',
    });
    const nested = { do: { sequence: [twice] } };
    expect(await failureOf(nested, { list: numbers(1_001) })).toMatchObject({
      message: 'steps.all.map.over has 1001 elements; at most 1000 are allowed',
    });
    const long = { do: { tool: 'upper', input: { case: 'x', text: ref('input.text') } } };
    const error = await failureOf(long, { list: numbers(200), text: 'x'.repeat(50_000) });
    expect(error).toMatchObject({ type: 'Plan.TooLarge' });
    expect(error.message).toContain('steps.all.map.do.input: the inputs of all elements have over 8000000 characters');
  });

  it('ends at its time limit, or that of its step', async () => {
    const waits = { do: { workflow: 'waitLong' } };
    for (const count of [3, 120]) {
      const list = numbers(count);
      expect(await failureOf({ ...waits, timeout: '1s' }, { list })).toMatchObject({ type: 'Step.DeadlineExceeded' });
    }
    const kept = await outputOf<Listed>({ ...waits, timeout: '1s', onFailure: 'continue' }, { list: numbers(3) });
    expect(kept).toMatchObject({ outputs: [null, null, null], completed: 0, failed: 3 });
    const stepEnds = await failureOf(waits, { list: numbers(3) }, { timeout: '1s' });
    expect(stepEnds).toMatchObject({ type: 'Step.DeadlineExceeded' });
  });
});

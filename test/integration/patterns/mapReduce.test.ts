import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { DocumentRef } from '../../../core/document.js';
import type { SegnoError } from '../../../core/errors.js';
import { scriptedModel, type ScriptedModel } from '../../../testing/index.js';
import { startTestStack, type TestStack } from '../../../testing/testStack.js';
import type { MapReduced } from '../../../workflows/index.js';
import * as agents from './mapReduceProject/agents.js';
import { answerOf, wordsOf } from './mapReduceProject/answers.js';
import * as tools from './mapReduceProject/tools.js';
import { gates, notesOf } from './mapReduceProject/tools.js';
import type { NumbersInput } from './mapReduceProject/workflow.js';

let stack: TestStack;
let model: ScriptedModel;

beforeAll(async () => {
  model = await scriptedModel(answerOf);
  stack = await startTestStack({
    agents,
    tools,
    workflows: new URL('./mapReduceProject/workflow.ts', import.meta.url).href,
    models: { default: { provider: 'test', model: 'test-1', price: { input: 1, output: 10 } } },
    providers: { test: { baseURL: 'http://127.0.0.1:9/v1' } },
    model,
  });
}, 180_000);
afterAll(async () => {
  await stack?.close();
  await model?.close();
}, 180_000);

const aCase = (): string => randomUUID();

async function run<Result>(workflow: string, input: unknown): Promise<Result> {
  return (await stack.client.start<Result>(workflow, input)).result();
}

async function failure(workflow: string, input: unknown): Promise<SegnoError> {
  return run(workflow, input).then(
    (value) => Promise.reject(new Error(`expected a failure, got ${JSON.stringify(value)}`)),
    (reason: unknown) => reason as SegnoError,
  );
}

function numbers(input: Partial<NumbersInput>): NumbersInput {
  return { case: aCase(), tool: 'look', count: 10, reduce: 'tool', ...input };
}

const sumTo = (count: number): number => (count * (count - 1)) / 2;

describe('a map of many items', () => {
  it.each([
    ['look', 'tool'],
    ['book', 'function'],
    ['mail', 'tool'],
  ] as const)('does each item once with the tool %s and reduces with a %s', async (tool, reduce) => {
    const input = numbers({ tool, reduce, count: 300, batchSize: 40, fanIn: 7 });
    expect(await run('numbers', input)).toEqual({ sum: sumTo(300) });
    const notes = notesOf(input.case);
    expect(notes).toHaveLength(300);
    expect(new Set(notes).size).toBe(300);
  });

  it('shows as numbers what its items came to, beside the run’s other steps', async () => {
    const input = numbers({ tool: 'book', count: 50, fails: { 7: -1 }, onFailure: 'continue', reduce: 'tool' });
    const started = await stack.client.start('numbers', input);
    await started.result();
    const { steps, maps } = await stack.client.show(started.id);
    expect(steps).toEqual([]);
    expect(maps).toMatchObject([
      { path: 'mapReduce#1/map', items: 50, done: 49, running: 0, failed: 1, error: { type: 'Tool.Failed' } },
      { path: 'mapReduce#1/reduce#1', items: 1, done: 1 },
    ]);
    expect(maps[0]).toHaveProperty('finishedAt');
  });

  it('tries an item again that fails retryably, and no other', async () => {
    const input = numbers({ tool: 'book', fails: { 3: 2 } });
    expect(await run('numbers', input)).toEqual({ sum: sumTo(10) });
    const notes = notesOf(input.case);
    expect(notes.filter((note) => note === 'book 3')).toHaveLength(3);
    expect(notes).toHaveLength(12);
  });

  it.each(['look', 'book', 'mail'] as const)('fails with the failed item’s own failure: %s', async (tool) => {
    const input = numbers({ tool, count: 400, batchSize: 20, concurrency: 1, itemConcurrency: 2, fails: { 25: -1 } });
    expect(await failure('numbers', input)).toMatchObject({
      type: 'Tool.Failed',
      message: '25 does not work',
      details: { step: 'mapReduce#1/map/item#25' },
    });
    // Of the batches after the one it is in, none is begun.
    expect(notesOf(input.case).length).toBeLessThanOrEqual(40);
  });

  it('goes on without the failed items when it is told to, and lists them', async () => {
    const fails = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [index * 3, -1]));
    const input = numbers({ count: 100, fails, onFailure: 'continue', reduce: 'tool', batchSize: 20 });
    const result = await run<MapReduced<{ sum: number }>>('numbers', input);
    const lost = Object.keys(fails).reduce((sum, n) => sum + Number(n), 0);
    expect(result).toMatchObject({
      status: 'partial',
      output: { sum: sumTo(100) - lost },
      failedStep: 'item#0',
      error: { type: 'Tool.Failed', step: 'mapReduce#1/map/item#0' },
      steps: { total: 100, completed: 70, failed: 30 },
    });
    expect(result.steps.failures).toHaveLength(20);
    const document = await stack.client.getDocument(result.steps.failedItems!);
    const all = JSON.parse(Buffer.from(document).toString()) as { item: number; error: { type: string } }[];
    expect(all.map(({ item }) => item)).toEqual(Object.keys(fails).map(Number));
  });

  it('ends when fewer items can complete than it needs', async () => {
    const input = numbers({
      count: 50,
      fails: { 1: -1, 2: -1 },
      onFailure: 'continue',
      minimum: 49,
      reduce: 'function',
    });
    const error = await failure('numbers', input);
    expect(error).toMatchObject({ type: 'Pattern.TooFew', details: { step: 'mapReduce#1' } });
    expect(error.message).toContain('item 1: Tool.Failed');
  });

  it('has no output when nothing completed', async () => {
    const input = numbers({ count: 2, fails: { 0: -1, 1: -1 }, onFailure: 'continue', reduce: 'function' });
    const result = await run<MapReduced<unknown>>('numbers', input);
    expect(result).toMatchObject({ status: 'failed', steps: { total: 2, completed: 0, failed: 2 } });
    expect(result).not.toHaveProperty('output');
  });

  it('gives the outputs as a document when nothing reduces them, null for a failed item', async () => {
    const input = numbers({ count: 5, fails: { 2: -1 }, onFailure: 'continue', reduce: 'none' });
    const { output } = await run<MapReduced<DocumentRef>>('numbers', input);
    const document = Buffer.from(await stack.client.getDocument(output!)).toString();
    expect(JSON.parse(document)).toEqual([{ sum: 0 }, { sum: 1 }, null, { sum: 3 }, { sum: 4 }]);
  });

  it('of no items reduces nothing', async () => {
    expect(await run('numbers', numbers({ count: 0, reduce: 'function' }))).toEqual({ sum: 0 });
    expect(await run('numbers', numbers({ count: 0, reduce: 'tool' }))).toEqual({ sum: 0 });
  });

  it('takes outputs that no single payload carries', async () => {
    expect(await run('bigOutputs', { count: 7, characters: 700_000 })).toEqual({ sum: 4_900_000 });
  });

  it('is refused with every fault before anything runs', async () => {
    const input = { case: aCase() };
    const error = await failure('wrong', input);
    expect(error.type).toBe('Pattern.InvalidSteps');
    for (const name of ['batchSize: 0', 'fanIn: 1', 'concurrency: 1.5', 'minimum: 2'])
      expect(error.message).toContain(name);
    expect(notesOf(input.case)).toEqual([]);
  });
});

describe('a map that goes on after failures, at its deadline', () => {
  const late = { type: 'Step.DeadlineExceeded' };

  it.each(['tool', 'function', 'none'] as const)(
    'keeps what completed, and lists the rest: reduced by %s',
    async (reduce) => {
      const input = numbers({
        ...{ tool: 'linger', count: 45, reduce, onFailure: 'continue', timeout: 2_000 },
        ...{ batchSize: 15, concurrency: 1, itemConcurrency: 4 },
      });
      const result = await run<MapReduced<unknown>>('numbers', input);
      expect(result).toMatchObject({
        status: 'partial',
        steps: { total: 45, completed: 10, failed: 35 },
        error: late,
        failedStep: 'item#10',
      });
      const documentOf = async (document: unknown): Promise<unknown[]> =>
        JSON.parse(Buffer.from(await stack.client.getDocument(document as DocumentRef)).toString()) as unknown[];
      const listed = await documentOf(result.steps.failedItems);
      expect(listed).toMatchObject(Array.from({ length: 35 }, (_, index) => ({ item: 10 + index, error: late })));
      if (reduce === 'none') {
        const outputs = Array.from({ length: 45 }, (_, n) => (n < 10 ? { sum: n } : null));
        expect(await documentOf(result.output)).toEqual(outputs);
      } else expect(result.output).toEqual({ sum: sumTo(10) });
      expect(notesOf(input.case).filter((note) => note.endsWith('cancelled'))).toHaveLength(4);
    },
  );

  it('says of an effect that may happen only once that nobody knows', async () => {
    const input = numbers({ tool: 'post', count: 3, onFailure: 'continue', timeout: 2_000 });
    const { steps } = await run<MapReduced<unknown>>('numbers', input);
    expect(steps.failures.map(({ error }) => error.type)).toEqual(Array(3).fill('Tool.OutcomeUnknown'));
  });

  it('fails when fewer completed than it needs', async () => {
    const input = numbers({ tool: 'linger', count: 12, onFailure: 'continue', timeout: 2_000, minimum: 11 });
    expect(await failure('numbers', input)).toMatchObject({ type: 'Pattern.TooFew' });
  });

  it.each([true, false])('keeps what workflow code completed (in this workflow: %s)', async (inPlace) => {
    const items = [{ n: 1 }, { n: 99 }, { n: 2 }];
    expect(await run('doubles', { items, inPlace, onFailure: 'continue', timeout: 3_000 })).toMatchObject({
      status: 'partial',
      output: { sum: 6 },
      steps: { total: 3, completed: 2, failed: 1, failures: [{ item: 1, error: late }] },
    });
  });

  it('keeps the answers of agents, and what they cost', async () => {
    const text = '[page 1]\none two\n[page 2]\nendless\n[page 3]\nthree';
    const result = await run<MapReduced<unknown>>('textsInTime', { text, timeout: 3_000 });
    expect(result).toMatchObject({ status: 'partial', output: { sum: 3 }, steps: { completed: 2, failed: 1 } });
    expect(result.usage.inputTokens).toBeGreaterThan(0);
  });
});

describe('what ends a map from outside', () => {
  it('ends at its deadline, and cancels what runs', async () => {
    const input = numbers({ tool: 'wait', count: 3, timeout: 1_000 });
    expect(await failure('numbers', input)).toMatchObject({ type: 'Step.DeadlineExceeded' });
    expect(notesOf(input.case).filter((note) => note.endsWith('cancelled'))).toHaveLength(3);
  });

  it('is cancelled with its run, and nothing of it runs on', async () => {
    const input = numbers({ tool: 'wait', count: 40, batchSize: 20, itemConcurrency: 2 });
    const started = await stack.client.start('numbers', input);
    await vi.waitFor(() => expect(notesOf(input.case)).toHaveLength(4), { timeout: 20_000 });
    await started.cancel();
    await expect(started.result()).rejects.toMatchObject({ type: 'Run.Cancelled' });
    expect(notesOf(input.case)).toHaveLength(8);
  });

  it('keeps finished items for the run that retries it', async () => {
    const gate = aCase();
    gates.close(gate);
    const input = { ...numbers({ tool: 'mail', count: 30, reduce: 'tool', batchSize: 10 }), gate };
    const first = await stack.client.start('thenFails', input);
    await expect(first.result()).rejects.toMatchObject({ type: 'Tool.Failed' });
    gates.open(gate);
    const retried = await stack.client.retry(first.id);
    await expect(retried.result()).resolves.toEqual({ sum: sumTo(30) });
    expect(notesOf(input.case)).toHaveLength(30);
  });

  it('retried, does the failed items again and no other', async () => {
    const input = numbers({ tool: 'mail', count: 30, batchSize: 10, concurrency: 1, fails: { 15: 1 } });
    const first = await stack.client.start('numbersOnce', input);
    await expect(first.result()).rejects.toMatchObject({ type: 'Tool.Failed' });
    const before = notesOf(input.case);
    await expect((await stack.client.retry(first.id)).result()).resolves.toEqual({ sum: sumTo(30) });
    const again = notesOf(input.case).slice(before.length);
    expect(again.filter((note) => before.includes(note))).toEqual(['mail 15']);
    expect(new Set([...before, ...again]).size).toBe(30);
  });
});

describe('items', () => {
  const pages = ['one two three', 'four', 'five six', 'seven', 'eight nine ten'];
  const text = pages.map((page, index) => `[page ${index + 1}]\n${page}\n`).join('');
  /** The marker of a page counts no word but its number. */
  const counted = wordsOf(text);

  it('are the parts of a text, each answered by an agent in one turn, and reduced by another', async () => {
    const started = await stack.client.start('texts', { text, agent: 'counter' });
    expect(await started.result()).toEqual({ sum: counted });
    const { usage } = await stack.client.show(started.id);
    expect(usage.costUsd).toBeGreaterThan(0);
  });

  it('get a child workflow each when their agent has tools', async () => {
    expect(await run('texts', { text, agent: 'researcher' })).toEqual({ sum: text.length });
  });

  it('are the parts of a document', async () => {
    const bytes = Buffer.from('word '.repeat(1_000));
    const document = await stack.client.putDocument(bytes, 'text/plain', { runId: aCase(), name: 'words.txt' });
    expect(await run('partsOf', { document })).toEqual({ sum: '[page 1]\n'.length + bytes.byteLength });
  });

  it.each([true, false])('go through workflow code (in this workflow: %s)', async (inPlace) => {
    const items = Array.from({ length: 10 }, (_, n) => ({ n }));
    expect(await run('doubles', { items, inPlace, onFailure: 'fail' })).toEqual({ sum: 2 * sumTo(10) });
    const withBad = [...items, { n: -1 }];
    expect(await run('doubles', { items: withBad, inPlace, onFailure: 'continue' })).toMatchObject({
      status: 'partial',
      output: { sum: 2 * sumTo(10) },
      steps: { completed: 10, failed: 1, failures: [{ item: 10, error: { type: 'Tool.Failed' } }] },
    });
    expect(await failure('doubles', { items: withBad, inPlace, onFailure: 'fail' })).toMatchObject({
      type: 'Tool.Failed',
      message: '-1 is negative',
    });
  });
});

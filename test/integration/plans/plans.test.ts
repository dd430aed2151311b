import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { SegnoError } from '../../../core/errors.js';
import type { StepResult } from '../../../core/results.js';
import { json, scriptedModel, type ScriptedModel } from '../../../testing/index.js';
import { startTestStack, type TestStack } from '../../../testing/testStack.js';
import * as agents from './project/agents.js';
import * as tools from './project/tools.js';
import { callsOf } from './project/tools.js';

interface Result {
  status: string;
  output?: unknown;
  steps: Record<string, StepResult>;
  failedStep?: string;
  error?: { type: string; message: string };
}

let stack: TestStack;
let model: ScriptedModel;

beforeAll(async () => {
  model = await scriptedModel({
    writer: [json({ text: 'long text' }), json({ text: 'short' })],
    critic: [json({ acceptable: false, feedback: ['shorter'] }), json({ acceptable: true, feedback: [] })],
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

const plan = (steps: object[], more: object = {}): object => ({ version: 1, name: 'test', steps, ...more });
const start = (document: unknown, input: unknown = null) => stack.client.start('runPlan', { plan: document, input });
const run = async (document: unknown, input?: unknown): Promise<Result> =>
  (await (await start(document, input)).result()) as Result;
const failure = async (document: unknown, input?: unknown): Promise<SegnoError> =>
  (await start(document, input)).result().then(
    (result) => Promise.reject(new Error(`expected a failure, got ${JSON.stringify(result)}`)),
    (error: unknown) => error as SegnoError,
  );
const ref = ($ref: string, more: object = {}): object => ({ $ref, ...more });

describe('a plan', () => {
  it('runs its steps in the order of their references, and gives what its output says', async () => {
    const name = randomUUID();
    const upper = (text: unknown): object => ({ tool: 'upper', input: { case: name, text } });
    const result = await run(
      plan(
        [
          { id: 'second', ...upper(ref('steps.first.text')), when: 'steps.first.length > 2 && input.go' },
          { id: 'first', ...upper(ref('input.words.0')) },
          { id: 'off', ...upper('off'), when: '!input.go' },
        ],
        { output: { text: ref('steps.second.text'), off: ref('steps.off.text', { default: null }) } },
      ),
      { words: ['one', 'two'], go: true },
    );
    expect(result).toMatchObject({ status: 'completed', output: { text: 'ONE', off: null } });
    expect(result.steps['off']).toMatchObject({ status: 'skipped' });
    expect(callsOf(name)).toEqual(['upper one', 'upper ONE']);
  });

  it('maps, runs side by side, one after the other, and starts workflows', async () => {
    const upper = (text: unknown): object => ({ tool: 'upper', input: { case: 'x', text } });
    const result = await run(
      plan([
        { id: 'all', map: { over: ref('input'), do: { ...upper(ref('item')) }, concurrency: 2 } },
        { id: 'both', parallel: { named: upper('a'), child: { workflow: 'greet', input: { name: 'Ada' } } } },
        { id: 'chain', sequence: [upper('b'), { value: [ref('previous.text'), ref('steps.both.child.greeting')] }] },
      ]),
      ['x', 'y'],
    );
    expect(result.output).toEqual({
      all: [
        { text: 'X', length: 1 },
        { text: 'Y', length: 1 },
      ],
      chain: ['B', 'Hello, Ada'],
    });
  });

  it('refines a draft of one agent with the feedback of another', async () => {
    const result = await run(
      plan([
        {
          id: 'text',
          refine: {
            write: { agent: 'writer', input: { topic: 'tea', feedback: ref('feedback') } },
            review: { agent: 'critic', input: ref('draft') },
          },
        },
      ]),
    );
    expect(result.output).toMatchObject({ text: { draft: { text: 'short' }, acceptable: true, rounds: 2 } });
    expect(result.steps['text']?.usage.inputTokens).toBeGreaterThan(0);
  });

  it('fails with the failure of its step', async () => {
    const name = randomUUID();
    const document = plan([
      { id: 'bad', tool: 'broken', input: { case: name }, retry: { attempts: 2 } },
      { id: 'next', after: ['bad'], tool: 'upper', input: { case: name, text: 'never' } },
    ]);
    expect(await failure(document)).toMatchObject({ type: 'Tool.Failed', message: 'it is broken' });
    expect(callsOf(name)).toEqual(['broken', 'broken']);
  });

  it('goes on with what it has, and falls back, when it says so', async () => {
    const name = randomUUID();
    const broken = { tool: 'broken', input: { case: name } };
    const document = plan(
      [
        { id: 'bad', ...broken },
        { id: 'rescued', ...broken, fallback: { value: { text: 'instead' } } },
        { id: 'needsBad', value: ref('steps.bad.text') },
        { id: 'summary', after: ['bad'], needs: 'ended', value: [ref('steps.rescued.text')] },
      ],
      { onFailure: 'continue', output: ref('steps.summary') },
    );
    const result = await run(document);
    expect(result).toMatchObject({
      status: 'partial',
      output: ['instead'],
      failedStep: 'bad',
      error: { type: 'Tool.Failed', message: 'it is broken' },
    });
    expect(Object.fromEntries(Object.entries(result.steps).map(([id, { status }]) => [id, status]))).toEqual({
      bad: 'failed',
      rescued: 'completed',
      needsBad: 'skipped',
      summary: 'completed',
    });
  });

  it('says which reference led to nothing, and which condition could not be evaluated', async () => {
    expect(await failure(plan([{ id: 'a', value: [ref('input.missing')] }]), {})).toMatchObject({
      type: 'Plan.MissingValue',
      message: 'steps.a.value[0]: {"$ref": "input.missing"} leads to nothing',
    });
    expect(await failure(plan([{ id: 'a', value: 1, when: 'input.missing > 1' }]), {})).toMatchObject({
      type: 'Plan.MissingValue',
      message: expect.stringContaining('steps.a.when: No such key: missing') as string,
    });
    const map = { over: ref('input'), do: { value: 1 }, maxItems: 1 };
    expect(await failure(plan([{ id: 'a', map }]), [1, 2])).toMatchObject({
      message: 'steps.a.map.over has 2 elements; at most 1 are allowed (maxItems may be up to 1000)',
    });
  });

  it('is refused with every fault before anything runs', async () => {
    const name = randomUUID();
    const error = await failure(
      plan([
        { id: 'a', tool: 'upper', input: { case: name, text: 'never' } },
        { id: 'b', tool: 'upperr', after: ['c'] },
        { id: 'c', agent: 'writer', input: { topic: 1 }, after: ['b'] },
        { id: 'd', workflow: 'gret' },
        { id: 'e', workflow: 'hurry' },
      ]),
    );
    expect(error).toMatchObject({ type: 'Plan.Invalid' });
    expect(error.message.split('\n').slice(1)).toEqual([
      'steps[2].after[0]: a cycle: b → c → b',
      'steps[1].tool: no tool is named upperr; there are: broken, double, upper',
      'steps[2].input.topic: string is needed, and this is integer',
      'steps[3].workflow: no workflow is named gret; there are: greet, runKept, twice, waitLong',
      'steps[4].workflow: no workflow is named hurry; there are: greet, runKept, twice, waitLong',
    ]);
    expect(callsOf(name)).toEqual([]);
  });

  it('passes the cancellation of the run on to its child workflows, and ends them at its deadline', async () => {
    const document = plan([{ id: 'wait', workflow: 'waitLong' }]);
    const cancelled = await start(document);
    await vi.waitFor(async () => {
      const { raw } = await stack.client.temporal.workflow.getHandle(cancelled.id).describe();
      expect(raw.pendingChildren).toHaveLength(1);
    });
    await cancelled.cancel();
    await expect(cancelled.result()).rejects.toMatchObject({ type: 'Run.Cancelled' });
    expect(await failure(plan([{ id: 'wait', workflow: 'waitLong' }], { timeout: '1s' }))).toMatchObject({
      type: 'Step.DeadlineExceeded',
    });
  });

  it('waits for a person, who sees what the plan refers to, and goes on by the decision', async () => {
    const document = plan([
      {
        id: 'ok',
        approval: { name: 'publish', title: 'Publish it?', detail: { text: ref('input.text') }, timeout: '1h' },
      },
      { id: 'yes', when: 'steps.ok.approved', value: 'published' },
      { id: 'no', when: '!steps.ok.approved', value: 'kept back' },
    ]);
    const asked = await start(document, { text: 'hello' });
    await vi.waitFor(
      async () => {
        const waiting = await stack.client.approvals({ run: asked.id });
        expect(waiting).toMatchObject([{ name: 'publish', detail: { text: 'hello' } }]);
      },
      { timeout: 10_000 },
    );
    await stack.client.decide(asked.id, { name: 'publish', approved: false, by: 'ada' });
    expect(await asked.result()).toMatchObject({ status: 'completed', output: { no: 'kept back' } });
  });

  it('keeps what was done before when it is interpreted inside another workflow', async () => {
    const document = plan([
      { id: 'a', tool: 'broken', input: { case: 'never' } },
      { id: 'b', value: ref('steps.a.text') },
    ]);
    const kept = await stack.client.start('runKept', { plan: document, done: { a: { text: 'kept' } } });
    expect(await kept.result()).toMatchObject({ status: 'completed', output: { b: 'kept' } });
    const wrong = await stack.client.start('runKept', { plan: document, done: { x: 1 } });
    await expect(wrong.result()).rejects.toMatchObject({ type: 'Plan.Invalid' });
  });

  it('may be far larger than a payload of the history', async () => {
    const steps = Array.from({ length: 200 }, (_, index) => ({
      id: `s${index}`,
      value: 'x'.repeat(1_000),
      ...(index > 0 && { after: [`s${index - 1}`] }),
    }));
    const result = await run(plan(steps, { output: ref('steps.s199') }));
    expect(result.output).toBe('x'.repeat(1_000));
  });

  it('fails at the step whose references put together more than a run can hold, and its output likewise', async () => {
    const twice = (id: string): unknown[] => [ref(id), ref(id)];
    const doubling = Array.from({ length: 28 }, (_, index) => ({
      id: `s${index}`,
      value: index === 0 ? 'x' : twice(`steps.s${index - 1}`),
    }));
    expect(await failure(plan(doubling))).toMatchObject({
      type: 'Plan.TooLarge',
      message: expect.stringMatching(/^steps\.s19\.value: .* over 1000000 values/) as string,
    });
    const text = { id: 'text', value: 'x'.repeat(900_000) };
    const output = Array.from({ length: 9 }, () => ref('steps.text'));
    expect(await failure(plan([text], { output }))).toMatchObject({
      type: 'Plan.TooLarge',
      message: expect.stringMatching(/^output: .* over 8000000 characters/) as string,
    });
    const eight = { sequence: [{ value: 'x'.repeat(900_000) }, { value: Array(8).fill(ref('previous')) }] };
    const steps = Array.from({ length: 6 }, (_, index) => ({
      id: `s${index}`,
      ...(index === 0 ? eight : { value: ref('steps.s0') }),
    }));
    const result = await run(plan(steps, { onFailure: 'continue', output: 'none' }));
    expect(result).toMatchObject({ status: 'partial', error: { type: 'Plan.TooLarge' } });
    expect(Object.values(result.steps).filter(({ status }) => status === 'completed')).toHaveLength(4);
  });
});

/** Calls of tools that may take effect only once, whose worker is killed in the middle of them. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Run } from 'segno/client';
import { json, type ScriptedModel, scriptedModel, startTestStack, type TestStack, toolCalls } from 'segno/testing';
import config from './project/segno.config.js';

const configPath = new URL('./project/segno.config.ts', import.meta.url).pathname;
const poll = { timeout: 60_000, interval: 50 };
const startTimeoutMs = 180_000;

let dir: string;
let model: ScriptedModel;
let stack: TestStack;
/** By order: begun before the one worker was killed. */
const runs = new Map<string, Run>();

function noted(what: string, order: string): string[] {
  const lines = readFileSync(join(dir, 'log'), 'utf8').trim().split('\n');
  return lines.filter((line) => line.startsWith(`${what} ${order} `)).map((line) => line.split(' ')[2]!);
}

/** How often it took effect, and under how many keys. */
function effects(order: string): [times: number, keys: number] {
  const keys = noted('effect', order);
  return [keys.length, new Set(keys).size];
}

async function failureOf(run: Run): Promise<unknown> {
  return run.result().then(
    (result) => Promise.reject(new Error(`completed with ${JSON.stringify(result)}`)),
    (error: unknown) => error,
  );
}

async function question(id: string) {
  await expect.poll(() => stack.client.approvals({ run: id }), poll).toHaveLength(1);
  return (await stack.client.approvals({ run: id }))[0]!;
}

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'segno-effects-'));
  writeFileSync(join(dir, 'log'), '');
  const asking = (tool: string, order: string) => [
    toolCalls([{ name: tool, arguments: { order } }]),
    json({ paid: 'yes' }),
  ];
  model = await scriptedModel({
    cashier: (request) => {
      const told = JSON.stringify(request.messages);
      const order = /agent-\w+/.exec(told)![0];
      const [call, end] = asking(order === 'agent-asks' ? 'chargeOrAsk' : 'charge', order);
      return told.includes('"tool"') ? end! : call!;
    },
  });
  stack = await startTestStack({ ...config, model, worker: false });
  const env = { EFFECTS_LOG: join(dir, 'log') };
  const doomed = await stack.startWorkerProcess({ configPath, env });
  const { client } = stack;
  const start = async (order: string, workflow: string, input: unknown): Promise<void> => {
    runs.set(order, await client.start(workflow, input));
    await vi.waitFor(() => expect(noted('begun', order)).toHaveLength(1), poll);
  };
  await Promise.all([
    start('done', 'pay', { tool: 'charge', order: 'done' }),
    start('late', 'pay', { tool: 'charge', order: 'late' }),
    start('blind', 'pay', { tool: 'charge', order: 'blind' }),
    start('plain', 'pay', { tool: 'chargeBlindly', order: 'plain' }),
    start('again', 'pay', { tool: 'chargeOrRepeat', order: 'again' }),
    start('asked', 'pay', { tool: 'chargeOrAsk', order: 'asked' }),
    start('late-asked', 'pay', { tool: 'chargeOrAsk', order: 'late-asked' }),
    start('agent-asks', 'payByAgent', { order: 'agent-asks' }),
    start('agent-knows', 'payByAgent', { order: 'agent-knows' }),
    start('item-1', 'payAll', { orders: ['item-1', 'late-item', 'blind-item'] }),
  ]);
  const others = (): string[] => [...noted('begun', 'late-item'), ...noted('begun', 'blind-item')];
  await vi.waitFor(() => expect(others()).toHaveLength(2), poll);
  await doomed.kill();
  await stack.startWorkerProcess({ configPath, env });
}, startTimeoutMs);

afterAll(async () => {
  await stack?.close();
  await model?.close();
  rmSync(dir, { recursive: true, force: true });
}, startTimeoutMs);

describe('reconcile', () => {
  it('that finds the effect gives the call its output', async () => {
    expect(await runs.get('done')!.result()).toBe('found for done');
    expect(effects('done')).toEqual([1, 1]);
  });

  it('that knows of no effect has the call made again, under the same key', async () => {
    expect(await runs.get('late')!.result()).toBe('of late');
    expect(effects('late')).toEqual([1, 1]);
    expect(new Set(noted('begun', 'late')).size).toBe(1);
  });

  it('that does not know leaves the call failed', async () => {
    expect(await failureOf(runs.get('blind')!)).toMatchObject({ type: 'Tool.OutcomeUnknown' });
    expect(effects('blind')).toEqual([1, 1]);
    expect(noted('begun', 'blind')).toHaveLength(1);
  });

  it('is asked for an agent’s call, whose model reads the output', async () => {
    expect(await runs.get('agent-knows')!.result()).toBe('yes');
    expect(effects('agent-knows')).toEqual([1, 1]);
    const last = model.requests.filter(({ messages }) => JSON.stringify(messages).includes('agent-knows')).at(-1);
    expect(last?.messages.at(-1)?.content).toBe('{"receipt":"found for agent-knows"}');
  });

  it('is asked for the items of a map', async () => {
    expect(await runs.get('item-1')!.result()).toBe(2);
    for (const order of ['item-1', 'late-item', 'blind-item']) expect(effects(order), order).toEqual([1, 1]);
  });
});

describe('a tool that would rather be repeated', () => {
  it('is called again under the same key', async () => {
    expect(await runs.get('again')!.result()).toBe('of again');
    expect(effects('again')).toEqual([2, 1]);
  });
});

describe('a person who is asked', () => {
  it('sees what was called, without its secrets, and gives its output', async () => {
    const { id, runId } = runs.get('asked')!;
    const asked = await question(id);
    expect(asked).toMatchObject({ name: 'chargeOrAsk', outcomeOf: 'chargeOrAsk#1' });
    expect(asked.detail).toMatchObject({
      step: 'chargeOrAsk#1',
      input: { order: 'asked', card: '[secret]' },
      idempotencyKey: `${runId}/chargeOrAsk#1`,
    });
    await expect(stack.client.decide(id, { approved: true, by: 'ada', value: 'perhaps' })).rejects.toMatchObject({
      type: 'Approval.InvalidDecision',
    });
    // What is no output of the tool is asked about again.
    await stack.client.resolve(id, { answer: { done: { receipt: 7 } }, by: 'ada' });
    await expect.poll(async () => (await question(id)).detail, poll).toMatchObject({ fault: /receipt/ });
    await stack.client.resolve(id, { step: 'chargeOrAsk#1', answer: { done: { receipt: 'seen' } }, by: 'ada' });
    expect(await runs.get('asked')!.result()).toBe('seen');
    for await (const effect of stack.client.effects(id)) {
      expect(effect).toMatchObject({
        outcome: 'done',
        settled: { as: 'done', by: 'ada' },
        input: { card: '[secret]' },
      });
    }
    expect(effects('asked')).toEqual([1, 1]);
  });

  it('has the call made', async () => {
    const { id } = runs.get('late-asked')!;
    await question(id);
    await stack.client.resolve(id, { answer: 'repeat', by: 'ada' });
    expect(await runs.get('late-asked')!.result()).toBe('of late-asked');
    expect(effects('late-asked')).toEqual([1, 1]);
  });

  it('says it of an agent’s call: the model is told that it failed', async () => {
    const { id } = runs.get('agent-asks')!;
    const { outcomeOf } = await question(id);
    expect(outcomeOf).toBe('cashier#1/turn#1/chargeOrAsk#1');
    await stack.client.resolve(id, { answer: 'fail', by: 'ada' });
    expect(await runs.get('agent-asks')!.result()).toBe('yes');
    const told = model.requests.flatMap(({ messages }) => messages.map(({ content }) => String(content)));
    expect(told).toContain('Error: Tool.Failed: chargeOrAsk failed, ada says');
    expect(effects('agent-asks')).toEqual([1, 1]);
  });
});

describe('segno resolve', () => {
  const cli = (...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> => {
    const main = new URL('../../../dist/cli/main.js', import.meta.url).pathname;
    const env = {
      ...process.env,
      ...{ NO_COLOR: '1', TEMPORAL_ADDRESS: stack.temporalAddress, DATABASE_URL: stack.databaseUrl },
      ...{ SEGNO_TEST_TASK_QUEUE: stack.taskQueue },
    };
    const cwd = new URL('./project/', import.meta.url).pathname;
    return new Promise((ended) => {
      execFile(process.execPath, [main, ...args], { cwd, env }, (error, stdout, stderr) =>
        ended({ code: error ? Number(error.code) : 0, stdout, stderr }),
      );
    });
  };

  it('lists what is unknown, checks an output, and lets the retry go on without doing it twice', async () => {
    const { id } = runs.get('plain')!;
    expect(await failureOf(runs.get('plain')!)).toMatchObject({ type: 'Tool.OutcomeUnknown' });
    expect(await failureOf(await stack.client.retry(id))).toMatchObject({ type: 'Tool.OutcomeUnknown' });
    const listed = await cli('resolve', id);
    expect(listed.stdout).toContain('chargeBlindly#1');
    expect((await cli('resolve', id, 'chargeBlindly#1')).code).toBe(2);
    const wrong = await cli('resolve', id, '--done', '{"receipt":1}');
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining('Tool.InvalidOutput')]);
    const said = await cli(
      'resolve',
      id,
      'chargeBlindly#1',
      '--done',
      '{"receipt":"by hand"}',
      '--by',
      'ada',
      '--json',
    );
    expect(JSON.parse(said.stdout)).toMatchObject({ step: 'chargeBlindly#1', said: { by: 'ada' } });
    expect(await (await stack.client.retry(id)).result()).toBe('by hand');
    expect(effects('plain')).toEqual([1, 1]);
    expect((await cli('resolve', id, '--repeat')).stderr).toContain('Step.Unknown');
  });

  it('has a failed call made by the retry, once', async () => {
    const { id } = runs.get('blind')!;
    await failureOf(runs.get('blind')!);
    await stack.client.resolve(id, { answer: 'repeat', by: 'ada' });
    expect(await (await stack.client.retry(id)).result()).toBe('of blind');
    expect(effects('blind')).toEqual([2, 1]);
  });
});

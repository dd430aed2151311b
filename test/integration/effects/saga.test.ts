/** A saga whose body fails, is cancelled, or loses its worker while it goes back. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EffectRecord, Run } from 'segno/client';
import {
  json,
  type ScriptedModel,
  scriptedModel,
  startTestStack,
  type TestStack,
  toolCalls,
  type WorkerProcess,
} from 'segno/testing';
import { inFull } from '../../chaos/inFull.js';
import config from './project/segno.config.js';

const configPath = new URL('./project/segno.config.ts', import.meta.url).pathname;
const poll = { timeout: 60_000, interval: 50 };
const startTimeoutMs = 180_000;

let dir: string;
let env: NodeJS.ProcessEnv;
let model: ScriptedModel;
let stack: TestStack;
let worker: WorkerProcess;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'segno-saga-'));
  writeFileSync(join(dir, 'log'), '');
  env = { EFFECTS_LOG: join(dir, 'log') };
  model = await scriptedModel({
    planner: ({ messages }) => {
      const told = JSON.stringify(messages);
      const order = /agent-[\w-]+/.exec(told)![0];
      return told.includes('"tool"') ? json({ paid: 'yes' }) : toolCalls([{ name: 'book', arguments: { order } }]);
    },
  });
  stack = await startTestStack({ ...config, model, worker: false });
  worker = await stack.startWorkerProcess({ configPath, env });
}, startTimeoutMs);

afterAll(async () => {
  await stack?.close();
  await model?.close();
  rmSync(dir, { recursive: true, force: true });
}, startTimeoutMs);

/** What happened for a test's name: `effect hotel`, `undone hotel`, …, each with its key. */
function happened(name: string): { what: string; key: string }[] {
  const lines = readFileSync(join(dir, 'log'), 'utf8').trim().split('\n');
  return lines
    .map((line) => line.split(' '))
    .filter(([, order]) => order === name || order!.endsWith(`-${name}`))
    .map(([what, order, key]) => ({
      what: `${what} ${order!.replace(`-${name}`, '').replace(name, 'all')}`,
      key: key!,
    }));
}

const whats = (name: string): string[] => happened(name).map(({ what }) => what);

const travel = (name: string, orders: string[], then: string): Promise<Run> =>
  stack.client.start('travel', { name, orders, then });

async function failureOf(run: Run): Promise<{ type: string; message: string }> {
  return run.result().then(
    (result) => Promise.reject(new Error(`completed with ${JSON.stringify(result)}`)),
    (error: unknown) => error as { type: string; message: string },
  );
}

const booked = ['effect flight', 'effect hotel', 'said all'];

describe('a saga', () => {
  it('that completes undoes nothing', async () => {
    const run = await travel('fine', ['flight', 'hotel'], 'done');
    expect(await run.result()).toBe('travelled');
    expect(whats('fine')).toEqual(booked);
  });

  it('that fails undoes what tools and the body have done, the last first, and says why it failed', async () => {
    const run = await travel('fails', ['flight', 'shaky'], 'fail');
    expect(await failureOf(run)).toMatchObject({ type: 'Tool.Failed', message: 'no refused-fails left' });
    expect(whats('fails')).toEqual([
      ...['effect flight', 'effect shaky', 'said all', 'effect refused'],
      ...['said un', 'begun shaky', 'undone shaky', 'undone flight'],
    ]);
    const keys = happened('fails').filter(({ what }) => what.startsWith('undone'));
    expect(keys.map(({ key }) => key)).toEqual([
      `${run.runId}/saga#1/rollback/book#2`,
      `${run.runId}/saga#1/rollback/book#1`,
    ]);
  });

  it('leaves an account of what was done, and what was undone by what', async () => {
    const run = await travel('listed', ['flight'], 'fail');
    await failureOf(run);
    const effects: EffectRecord[] = [];
    for await (const effect of stack.client.effects(run.id)) effects.push(effect);
    expect(
      effects.map(({ step, outcome, undoneBy }) => [step, outcome, undoneBy?.replace(`${run.runId}/`, '')]),
    ).toEqual([
      ['saga#1/book#1', 'undone', 'saga#1/rollback/book#1'],
      ['saga#1/notify#1', 'undone', 'saga#1/rollback/notice'],
      ['saga#1/book#2', 'failed', undefined],
      ['saga#1/rollback/notice/notify#1', 'done', undefined],
      ['saga#1/rollback/book#1', 'done', undefined],
    ]);
    const [first] = effects;
    expect(first).toMatchObject({
      ...{ runId: run.runId, tool: 'book', attempts: 1, input: { order: 'flight-listed' } },
      idempotencyKey: `${run.runId}/saga#1/book#1`,
    });
    const env = { ...process.env, TEMPORAL_ADDRESS: stack.temporalAddress, DATABASE_URL: stack.databaseUrl };
    const main = new URL('../../../dist/cli/main.js', import.meta.url).pathname;
    const csv = execFileSync(process.execPath, [main, 'effects', run.id, '--csv'], { env, encoding: 'utf8' });
    const lines = csv.trimEnd().split('\r\n');
    expect(lines).toHaveLength(6);
    expect(lines[1]).toContain('"{""order"":""flight-listed""}"');
  });

  it.each([
    ['agent', 'undone agent'],
    ['nested', 'undone inner'],
    ['both', 'undone beside'],
  ])('undoes what was done elsewhere in it: %s', async (then, undone) => {
    await failureOf(await travel(`in-${then}`, ['flight'], then));
    const back = whats(`in-${then}`);
    expect(back.slice(-3)).toEqual([undone, 'said un', 'undone flight']);
    expect(back.filter((what) => what.startsWith('undone refused'))).toEqual([]);
  });

  it('undoes the items of a map', async () => {
    await failureOf(await travel('map', ['flight'], 'map'));
    expect(whats('map').slice(-4, -2).sort()).toEqual(['undone item1', 'undone item2']);
    expect(whats('map').slice(-2)).toEqual(['said un', 'undone flight']);
  });

  it('goes on when something cannot be undone, and says so', async () => {
    const run = await travel('stays', ['flight', 'stuck'], 'fail');
    const { message } = await failureOf(run);
    expect(message).toBe('no refused-stays left\nbook#2 was not taken back: Tool.Failed: stuck-stays is gone');
    expect(whats('stays').at(-1)).toBe('undone flight');
    const { steps } = await stack.client.show(run.id);
    expect(steps.find(({ path }) => path === 'saga#1/rollback/book#2')).toMatchObject({ state: 'failed' });
  });

  it('that is cancelled goes back, then ends as cancelled', async () => {
    const run = await travel('stopped', ['flight', 'hotel'], 'wait');
    await expect.poll(() => whats('stopped'), poll).toContain('begun all');
    await run.cancel();
    expect(await failureOf(run)).toMatchObject({ type: 'Run.Cancelled' });
    expect(whats('stopped')).toEqual([...booked, 'begun all', 'said un', 'undone hotel', 'undone flight']);
  });

  it.each([
    ['undone slow', 'fail'],
    ...inFull(
      ...([
        ['effect flight', 'fail'],
        ['effect hotel', 'fail'],
        ['said all', 'fail'],
        ['said un', 'fail'],
      ] as const),
      ...([
        ['undone hotel', 'fail'],
        ['undone flight', 'fail'],
        ['said un', 'wait'],
      ] as const),
      ...([
        ['undone hotel', 'wait'],
        ['undone flight', 'wait'],
      ] as const),
    ),
  ] as const)(
    'whose worker is killed at "%s" goes on, and does and undoes nothing twice (%s)',
    async (moment, then) => {
      const name = `${moment.replace(' ', '-')}-${then}`;
      const middle = moment === 'undone slow' ? 'slow' : 'train';
      const run = await travel(name, ['flight', middle, 'hotel'], then);
      if (then === 'wait') {
        await expect.poll(() => whats(name), poll).toContain('begun all');
        await run.cancel();
      }
      await expect.poll(() => whats(name), { ...poll, interval: 1 }).toContain(moment);
      await worker.kill();
      worker = await stack.startWorkerProcess({ configPath, env });
      expect(await failureOf(run)).toMatchObject({ type: then === 'wait' ? 'Run.Cancelled' : 'Tool.Failed' });
      const all = happened(name);
      expect([...new Set(all.map(({ what }) => what))]).toEqual([
        ...['effect flight', `effect ${middle}`, 'effect hotel', 'said all'],
        then === 'wait' ? 'begun all' : 'effect refused',
        ...['said un', 'undone hotel', `undone ${middle}`, 'undone flight'],
      ]);
      // Only what was cut is called again, under its key.
      expect(new Set(all.map(({ what, key }) => `${what} ${key}`)).size).toBe(9);
      expect(all.length).toBeLessThanOrEqual(10);
      if (middle === 'slow') expect(all.filter(({ what }) => what === 'undone slow')).toHaveLength(2);
    },
    180_000,
  );

  it('that is retried does anew what it has taken back, under new keys, and takes that back again', async () => {
    const run = await travel('again', ['flight', 'stuck'], 'fail');
    await failureOf(run);
    const again = await stack.client.retry(run.id);
    await failureOf(again);
    const keysOf = (what: string): string[] => happened('again').flatMap((one) => (one.what === what ? [one.key] : []));
    for (const what of ['effect flight', 'undone flight', 'said all', 'said un']) {
      expect(
        keysOf(what).map((key) => key.split('/')[0]),
        what,
      ).toEqual([run.runId, again.runId]);
    }
    // What still stands is not done again.
    expect(keysOf('effect stuck')).toHaveLength(1);
  });
});

describe('a sequence', () => {
  it('that is retried does anew what it has taken back, and takes that back again', async () => {
    const run = await stack.client.start('bookInSteps', { name: 'steps' });
    await failureOf(run);
    const again = await stack.client.retry(run.id);
    await failureOf(again);
    const runsOf = (what: string): string[] =>
      happened('steps').flatMap((one) => (one.what === what ? [one.key.split('/')[0]!] : []));
    expect(runsOf('effect all')).toEqual([run.runId, again.runId]);
    expect(runsOf('said back')).toEqual([run.runId, again.runId]);
    const effects: EffectRecord[] = [];
    for await (const effect of stack.client.effects(run.id)) effects.push(effect);
    expect(effects[0]).toMatchObject({ step: 'sequential#1/first/book#1', outcome: 'undone' });
    expect(effects[0]?.undoneBy).toBe(`${run.runId}/sequential#1/rollback/first`);
  });
});

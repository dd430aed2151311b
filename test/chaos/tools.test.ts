/**
 * What a kill does to tools: an idempotent one takes effect once by its key, one that may run only once runs at most once
 * and says so when nobody can know, a quick one is not run again once it is done.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ChaosStack, startChaosStack } from './chaosStack.js';
import { eventually } from './eventually.js';
import { expectSurvived } from './expectSurvived.js';
import { inFull } from './inFull.js';
import { effectsOf, type KillPoint, runAndKill, runInPeace, type SurvivedRun } from './killRun.js';
import { instanceOf } from './readRun.js';

const job = { workflow: 'order', input: { item: 'kettle' } };

let stack: ChaosStack;
let clean: SurvivedRun;

beforeAll(async () => {
  stack = await startChaosStack();
  clean = await runInPeace(stack, job);
});
afterAll(() => stack?.close());

/** How often a tool of this run acted, and for how many keys. */
function effects(runId: string, tool: string): { times: number; keys: number } {
  const notes = effectsOf(stack.dir).filter(
    (note) => note.tool === tool && note.phase === 'effect' && note.key.startsWith(`${runId}/`),
  );
  return { times: notes.length, keys: new Set(notes.map(({ key }) => key)).size };
}

const kill = (victim: KillPoint['victim'], path: string, moment: KillPoint['moment']): Promise<SurvivedRun> =>
  runAndKill(stack, job, { victim, path, moment, kind: path.startsWith('clerk') ? 'model' : 'tool' });

const once = { times: 1, keys: 1 };

function expectEachEffectOnce({ runId }: SurvivedRun): void {
  for (const tool of ['lookUp', 'bookItem', 'mailItem']) expect(effects(runId, tool), tool).toEqual(once);
}

describe('a run with tools of every kind', () => {
  it('takes each effect once when nothing is killed', () => {
    expectSurvived(clean, clean, stack.model);
    expectEachEffectOnce(clean);
  });

  it('repeats a cut idempotent tool under the same key', async () => {
    const run = await kill('worker', 'bookItem#1', 'afterEffect');
    expectSurvived(run, clean, stack.model);
    expect(effects(run.runId, 'bookItem')).toEqual({ times: 2, keys: 1 });
    expect(effects(run.runId, 'mailItem')).toEqual(once);
  });

  it.each(['worker', ...inFull('tree')] as const)(
    'does not repeat what is done when the %s is killed',
    async (victim) => {
      const run = await kill(victim, 'mailItem#1', 'done');
      expectSurvived(run, clean, stack.model);
      expectEachEffectOnce(run);
    },
  );

  it.each([
    ['worker', 'beforeEffect', 0],
    ['tree', 'afterEffect', 1],
    ...inFull(['worker', 'afterEffect', 1], ['tree', 'beforeEffect', 0]),
  ] as const)(
    'ends with Tool.OutcomeUnknown when the %s is killed %s of a tool that may run once',
    async (victim, moment, times) => {
      const run = await kill(victim, 'mailItem#1', moment);
      expect(run.error).toMatchObject({ type: 'Tool.OutcomeUnknown', details: { step: 'mailItem#1' } });
      expect(effects(run.runId, 'mailItem')).toEqual({ times, keys: times });
      expect(effects(run.runId, 'bookItem')).toEqual(once);
      const step = run.steps.find(({ path }) => path === 'mailItem#1');
      expect(step).toMatchObject({ state: 'unknown', epoch: 1 });
      expect(step?.attempts).toMatchObject([{ owner: run.dead }]);
    },
  );

  it.each([
    ['ledger', 'beforeEffect'],
    ['temporal', 'afterEffect'],
    ...inFull(['ledger', 'afterEffect'], ['temporal', 'beforeEffect']),
  ] as const)('finishes a tool that runs while the %s is killed %s', async (victim, moment) => {
    const run = await kill(victim, 'mailItem#1', moment);
    expectSurvived(run, clean, stack.model);
    expectEachEffectOnce(run);
  });
});

describe('quick steps', () => {
  it('are not run again once they are done, when the worker is killed among them', async () => {
    const dead = await eventually(() => instanceOf(stack.ledger, stack.pidOf('worker')), 'a worker at work');
    const { runId, result } = await startCounting(200, 4);
    await eventually(() => effects(runId, 'lookUp').keys >= 80, 'some steps');
    await stack.kill('worker');
    const finished = new Set(await stepsOf(runId, dead));
    expect(finished.size).toBeGreaterThan(0);
    await expect(result()).resolves.toEqual({ counted: 200 });
    const notes = effectsOf(stack.dir).filter(({ key }) => key.startsWith(`${runId}/`));
    expect(new Set(notes.map(({ key }) => key)).size).toBe(200);
    const again = notes.filter(({ key }, index) => notes.findIndex((other) => other.key === key) < index);
    expect(again.filter(({ key }) => finished.has(key))).toEqual([]);
    expect(again.length).toBeLessThanOrEqual(4);
  });
});

async function startCounting(count: number, width: number) {
  const run = await stack.client.start('countItems', { count, width } as never);
  return { runId: run.runId, result: () => run.result() };
}

async function stepsOf(runId: string, owner: string): Promise<string[]> {
  const { rows } = await stack.ledger.query<{ key: string }>(
    `select key from segno.steps where run_id = $1 and owner = $2 and state = 'done'`,
    [runId, owner],
  );
  return rows.map(({ key }) => key);
}

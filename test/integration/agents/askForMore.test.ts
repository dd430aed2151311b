import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Run, WaitingApproval } from '../../../client/index.js';
import type { BudgetAmounts } from '../../../core/admission/settings.js';
import { json } from '../../../testing/index.js';
import { startTestStack, type TestStack } from '../../../testing/testStack.js';
import historyConfig from '../../fixtures/historyProject/segno.config.js';
import { aCase, failureOf } from './agentsStack.js';
import { type CaseModel, caseModel } from './caseModel.js';
import * as agents from './project/agents.js';
import * as sharingAgents from './project/sharingAgents.js';
import * as tools from './project/tools.js';
import type { guessAll, share, solve, solveTogether } from './project/workflow.js';

const startTimeoutMs = 180_000;
const right = json({ answer: '42' }, { usage: { promptTokens: 100, completionTokens: 10 } });
const soon = { timeout: 60_000, interval: 50 };
/** Stacks share a ledger, and so the providers they name alike. */
const own = `p${randomUUID().slice(0, 8)}`;
const ask = { onExceeded: 'ask' } as const;

describe('a budget that asks', () => {
  let stack: TestStack;
  let scripted: CaseModel;
  beforeAll(async () => {
    scripted = await caseModel();
    stack = await startTestStack({
      agents: [agents, sharingAgents],
      tools,
      workflows: new URL('./project/workflow.ts', import.meta.url).href,
      models: { default: { provider: own, model: 'plain', price: { input: 1, output: 10 }, maxOutputTokens: 1_000 } },
      providers: { [own]: {} },
      budgets: { shared: { calls: 0, per: 'day', ...ask } },
      model: scripted.model,
    });
    // Other tests of this day share the ledger.
    await stack.ledger.query(`delete from segno.budgets where key like 'named/shared/%'`);
  }, startTimeoutMs);
  afterAll(async () => {
    await stack?.close();
    await scripted?.model.close();
  }, startTimeoutMs);

  async function waiting(run: Run, count = 1): Promise<WaitingApproval[]> {
    return vi.waitFor(async () => {
      const found = await stack.client.approvals({ run: run.id });
      expect(found).toHaveLength(count);
      return found;
    }, soon);
  }

  async function solving(budget: BudgetAmounts, name = aCase()): Promise<Run> {
    scripted.script(name, () => right);
    return stack.client.start<typeof solve>('solve', { case: name }, { budget: { ...budget, ...ask } });
  }

  const spending = async (run: Run) => (await stack.client.budgets({ run: run.id }))[0]!;

  it('waits for a person, shows the books, and goes on with what is given', async () => {
    const name = aCase();
    const run = await solving({ calls: 1, usd: 1 }, name);
    scripted.script(name, [json({ wrong: 1 }, { usage: { promptTokens: 100, completionTokens: 10 } }), right]);
    const [question] = await waiting(run);
    const { key } = await spending(run);
    expect(question).toMatchObject({
      name: 'budget',
      path: 'solver#1/turn#2/approval/budget#1',
      title: `The budget ${key} is used up. Raise it?`,
      raise: ['calls', 'usd'],
      detail: {
        budget: key,
        usedUp: 'calls',
        limit: { calls: 1, usd: 1 },
        spent: { calls: 1, tokens: 110, usd: 0.0002 },
        spentBy: [{ agent: 'solver', calls: 1, tokens: 110, usd: 0.0002 }],
        askedBy: { agent: 'solver', step: 'solver#1/turn#2' },
      },
    });
    expect((await spending(run)).waiting).toMatchObject([{ run: run.id, path: question!.path }]);
    const wrong = { approved: true, by: 'Ada' };
    for (const raise of [{}, { calls: -1 }, { tokens: 5 }]) {
      expect(await failureOf(stack.client.decide(run.id, { ...wrong, raise }))).toMatchObject({
        type: 'Approval.InvalidDecision',
      });
    }
    await stack.client.decide(run.id, { approved: true, by: 'Ada', raise: { calls: 2 } });
    expect(await run.result()).toEqual({ answer: '42' });
    expect(await spending(run)).toMatchObject({
      limits: { calls: 3 },
      raised: { calls: 2, tokens: 0, costPicoUsd: 0n },
      spent: { calls: 2 },
      waiting: [],
    });
  });

  it('fails as before when a person refuses, or nobody answers in time', async () => {
    const refused = await solving({ calls: 0 });
    await waiting(refused);
    await stack.client.decide(refused.id, { approved: false, by: 'Ada', comment: 'enough' });
    const failure = await failureOf(refused.result());
    expect(failure).toMatchObject({ type: 'Budget.Exceeded', details: { step: 'solver#1/turn#1' } });
    expect(failure.message).toMatch(/0 of 0 calls[^]*Ada did not raise it \(enough\)/);
    const late = await failureOf((await solving({ calls: 0, answerWithinMs: 200 })).result());
    expect(late).toMatchObject({ type: 'Budget.Exceeded', message: expect.stringContaining('nobody raised it until') });
  });

  it('ends with its run when that is cancelled', async () => {
    const run = await solving({ calls: 0 });
    await waiting(run);
    await run.cancel();
    expect(await failureOf(run.result())).toMatchObject({ type: 'Run.Cancelled' });
    expect((await spending(run)).waiting).toEqual([]);
  });

  it('takes no time of the agents and of the code around them, and asks all of a run once', async () => {
    const name = aCase();
    scripted.script(name, () => right);
    const timeoutMs = 6_000;
    const run = await stack.client.start<typeof solveTogether>(
      'solveTogether',
      { case: name, calls: 3, timeoutMs },
      { budget: { calls: 0, ...ask } },
    );
    await waiting(run);
    await delay(timeoutMs + 500);
    await stack.client.decide(run.id, { approved: true, by: 'Ada', raise: { calls: 2 } });
    // It pays two of the three.
    await vi.waitFor(async () => {
      expect((await spending(run)).spent.calls).toBe(2);
      await waiting(run);
    }, soon);
    await stack.client.decide(run.id, { approved: true, by: 'Bob', raise: { calls: 1 } });
    expect(await run.result()).toEqual(['42', '42', '42']);
  });

  it('lets all runs of a shared budget go on with one answer, or with one command', async () => {
    const start = async (): Promise<Run> => {
      const name = aCase();
      scripted.script(name, () => right);
      return stack.client.start<typeof share>('share', { case: name });
    };
    const runs = [await start(), await start()];
    for (const run of runs) await waiting(run);
    await stack.client.decide(runs[0]!.id, { approved: true, by: 'Ada', raise: { calls: 2 } });
    expect(await Promise.all(runs.map((run) => run.result()))).toEqual(['42', '42']);

    const more = [await start(), await start(), await start()];
    for (const run of more) await waiting(run);
    const key = (await stack.client.budgets()).find(({ waiting: runsOf }) => runsOf.length === 3)!.key;
    const { budget, woken } = await stack.client.raiseBudget(key, { calls: 2, by: 'Ada' });
    expect([budget.limits.calls, woken]).toEqual([4, 3]);
    // One of them does not fit, and asks again.
    await vi.waitFor(async () => expect((await stack.client.budgets({ key }))[0]?.spent.calls).toBe(4), soon);
    const [left] = await vi.waitFor(async () => {
      const asking = (await stack.client.approvals()).filter(({ run }) => more.some(({ id }) => id === run));
      expect(asking.map(({ path }) => path)).toEqual(['sharer#1/turn#1/approval/budget#2']);
      return asking;
    }, soon);
    await stack.client.decide(left!.run, { approved: true, by: 'Ada', raise: { calls: 1 } });
    await Promise.all(more.map((run) => run.result()));
  });

  it('ends a batch, which goes on where it stopped; without more its items fail', async () => {
    const cases = [aCase(), aCase(), aCase(), aCase()];
    for (const name of cases) scripted.script(name, () => right);
    const run = await stack.client.start<typeof guessAll>('guessAll', { cases }, { budget: { calls: 1, ...ask } });
    const [question] = await waiting(run);
    expect(question!.path).toBe('mapReduce#1/map/batch#0/approval/budget#1');
    await stack.client.decide(run.id, { approved: true, by: 'Ada', raise: { calls: 2 } });
    await vi.waitFor(async () => {
      expect((await waiting(run))[0]?.path).toBe('mapReduce#1/map/batch#0/approval/budget#2');
    }, soon);
    await stack.client.decide(run.id, { approved: false, by: 'Ada' });
    expect(await run.result()).toEqual({ status: 'partial', completed: 3, failures: ['Budget.Exceeded'] });
    expect(cases.map((name) => scripted.requestsOf(name).length)).toEqual([1, 1, 1, 0]);
  });

  it('warns once at each threshold, in the run and at the budget', async () => {
    const name = aCase();
    const wrong = json({ wrong: 1 }, { usage: { promptTokens: 100, completionTokens: 10 } });
    scripted.script(name, [wrong, wrong, right]);
    const budget = { calls: 4, warnAt: [0.5, 0.7, 1] };
    const run = await stack.client.start<typeof solve>('solve', { case: name }, { budget });
    await run.result();
    const { key, warnings } = await spending(run);
    expect(warnings).toMatchObject([
      { threshold: 0.5, share: 0.5 },
      { threshold: 0.7, share: 0.75 },
    ]);
    expect((await stack.client.show(run.id)).warnings).toMatchObject([
      { budget: key, threshold: 0.5 },
      { budget: key, threshold: 0.7 },
    ]);
  });

  it(
    'is raised once though the worker dies between the answer and the raise',
    async () => {
      const configPath = new URL('../../fixtures/historyProject/segno.config.ts', import.meta.url).pathname;
      const other = await startTestStack({ ...historyConfig, model: 'offline', worker: false });
      try {
        const first = await other.startWorkerProcess({ configPath });
        const budget = { calls: 0, ...ask };
        const run = await other.client.start<string>('summarizeText', { text: 'Sales rose.' }, { budget });
        await vi.waitFor(async () => expect(await other.client.approvals({ run: run.id })).toHaveLength(1), soon);
        // PGlite serves nobody else while a transaction is open: the raise is asked for, and not made.
        await other.ledger.transaction(async (transaction) => {
          await transaction.query('select 1');
          await other.client.decide(run.id, { approved: true, by: 'Ada', raise: { calls: 5 } });
          await vi.waitFor(async () => {
            const { raw } = await other.client.temporal.workflow.getHandle(run.id).describe();
            expect(raw.pendingActivities?.map(({ activityId, state }) => [activityId, state])).toEqual([
              ['summarizer#1/turn#1/approval/budget#1/raise', 2],
            ]);
          }, soon);
          await first.kill();
        });
        await other.startWorkerProcess({ configPath });
        expect(await run.result()).toEqual(expect.any(String));
        expect(await other.client.budgets({ run: run.id })).toMatchObject([
          { raised: { calls: 5 }, spent: { calls: 1 } },
        ]);
      } finally {
        await other.close();
      }
    },
    startTimeoutMs,
  );
});

import { randomUUID } from 'node:crypto';
import { CommanderError } from 'commander';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { budgetsCommand } from '../../../cli/commands/budgets.js';
import type { Run } from '../../../client/index.js';
import type { BudgetAmounts } from '../../../core/admission/settings.js';
import { listBudgets } from '../../../ledger/index.js';
import { error, json, type RecordedRequest, type ScriptStep } from '../../../testing/index.js';
import { startTestStack, type TestStack } from '../../../testing/testStack.js';
import { segno } from '../segnoCommand.js';
import { aCase, failureOf } from './agentsStack.js';
import { type CaseModel, caseModel } from './caseModel.js';
import * as agents from './project/agents.js';
import * as tools from './project/tools.js';
import type { solve, solveHedged, solveMany } from './project/workflow.js';

const startTimeoutMs = 180_000;
const used = { usage: { promptTokens: 100, completionTokens: 10 } };
const right = json({ answer: '42' }, used);
const costUsd = 0.0002;

/** The gates of one test; stacks share a ledger, and so the providers they name alike. */
const own = `p${randomUUID().slice(0, 8)}`;

describe('the gate', () => {
  let stack: TestStack;
  let scripted: CaseModel;
  beforeAll(async () => {
    scripted = await caseModel();
    const limited = { breaker: { consecutive: 2, openMs: 60_000 } };
    stack = await startTestStack({
      agents,
      tools,
      workflows: new URL('./project/workflow.ts', import.meta.url).href,
      models: {
        default: { provider: own, model: 'plain', price: { input: 1, output: 10 }, maxOutputTokens: 1_000 },
        dear: {
          provider: own,
          model: 'dear',
          price: { input: 100, output: 1_000 },
          maxOutputTokens: 1_000,
          fallback: { to: 'default', on: ['budget', 'outage', 'rateLimit'] },
        },
        dying: { provider: `${own}-dying`, model: 'dying', fallback: 'default' },
        narrow: { provider: own, model: 'narrow', limits: { concurrency: 1 } },
        unpriced: { provider: own, model: 'unpriced' },
        unlimited: { provider: own, model: 'unlimited', limits: { usdPerMinute: 1 } },
      },
      providers: { [own]: {}, [`${own}-dying`]: limited },
      model: scripted.model,
    });
  }, startTimeoutMs);
  afterAll(async () => {
    await stack?.close();
    await scripted?.model.close();
  }, startTimeoutMs);

  const start = (name: string, more: Omit<Parameters<typeof solve>[0], 'case'> = {}, budget?: BudgetAmounts) =>
    stack.client.start<typeof solve>('solve', { case: name, ...more }, budget && { budget });
  const modelsAsked = (name: string): string[] => scripted.requestsOf(name).map(({ model }) => model);

  it('settles a run’s budget at what was used, and lets the run’s end show it', async () => {
    const name = aCase();
    scripted.script(name, [json({ wrong: 1 }, used), right]);
    const run = await start(name, {}, { usd: 0.05 });
    expect(await run.result()).toEqual({ answer: '42' });
    const [budget] = await listBudgets(stack.ledger, { scope: run.id });
    expect(budget).toMatchObject({
      held: { calls: 0, tokens: 0, costPicoUsd: 0n },
      spent: { calls: 2, tokens: 220, costPicoUsd: BigInt(2 * costUsd * 1e12) },
    });
  });

  it('fails a run whose budget is used up, and says who spent it', async () => {
    const name = aCase();
    scripted.script(name, [json({ wrong: 1 }, used), right]);
    const failure = await failureOf((await start(name, {}, { calls: 1 })).result());
    expect(failure).toMatchObject({ type: 'Budget.Exceeded', details: { step: 'solver#1/turn#2' } });
    expect(failure.message).toContain('1 of 1 calls (solver $0.0002, 110 tokens in 1 calls)');
    const spent = { usd: costUsd, tokens: 110, calls: 1 };
    expect(failure.details).toEqual({
      run: expect.any(String) as string,
      step: 'solver#1/turn#2',
      budget: expect.stringMatching(/^run\//) as string,
      unit: 'calls',
      limit: { calls: 1 },
      spent,
      needed: { usd: expect.any(Number) as number, tokens: expect.any(Number) as number, calls: 1 },
      spenders: [{ agent: 'solver', ...spent }],
    });
    expect(scripted.requestsOf(name)).toHaveLength(1);
  });

  it('holds what children spend of the run’s budget, and of that of the code around them', async () => {
    const name = aCase();
    scripted.script(name, () => right);
    const run = await stack.client.start<typeof solveMany>(
      'solveMany',
      { case: name, calls: 3 },
      { budget: { calls: 50 } },
    );
    expect(await run.result()).toEqual(['42', '42', 'Budget.Exceeded']);
    const budgets = await listBudgets(stack.ledger, { scope: run.id });
    expect(budgets.map(({ key, spent }) => [key.split('/')[0], spent.calls]).sort()).toEqual([
      ['run', 2],
      ['scope', 2],
    ]);
  });

  it('goes to the cheaper fallback when the budget cannot pay the dearer model', async () => {
    const name = aCase();
    scripted.script(name, [right]);
    const run = await start(name, { options: { model: 'dear' } }, { usd: 0.05 });
    expect(await run.result()).toEqual({ answer: '42' });
    expect(modelsAsked(name)).toEqual(['plain']);
  });

  it('gives a degraded call fewer output tokens before it fails', async () => {
    const name = aCase();
    scripted.script(name, [right]);
    const run = await start(name, { options: { budget: { usd: 0.007, onExceeded: 'degrade' } } });
    expect(await run.result()).toEqual({ answer: '42' });
    expect(scripted.requestsOf(name)[0]?.maxTokens).toBe(500);
    expect((await stack.client.show(run.id)).steps).toMatchObject([{ degradedTo: 500 }]);
  });

  it('refuses a budget in USD where a model has no price', async () => {
    const failure = await failureOf((await start(aCase(), { options: { model: 'unpriced' } }, { usd: 1 })).result());
    expect(failure).toMatchObject({ type: 'Budget.Unpriced' });
  });

  it('refuses a limit in USD where a model has no price', async () => {
    const failure = await failureOf((await start(aCase(), { options: { model: 'unlimited' } })).result());
    expect(failure).toMatchObject({ type: 'Budget.Unpriced', message: expect.stringContaining('models.unlimited') });
  });

  it('ends a call with the time of its budget', async () => {
    const name = aCase();
    scripted.script(name, [{ kind: 'hang', headers: true }]);
    const run = await start(name, { options: { budget: { wallMs: 1_500 } } });
    const failure = await failureOf(run.result());
    expect(failure).toMatchObject({ type: 'Budget.Exceeded', message: expect.stringContaining('time') });
    expect(scripted.requestsOf(name)).toHaveLength(1);
    const { steps } = await stack.client.show(run.id);
    expect(steps).toMatchObject([{ state: 'failed', usage: { outputTokens: 1_000, estimated: true } }]);
  });

  it('goes to the fallback at once when a provider fails, and past it while its breaker is open', async () => {
    const byModel = ({ model }: RecordedRequest): ScriptStep => (model === 'dying' ? error(500) : right);
    const names = [aCase(), aCase(), aCase()];
    const reasons: unknown[] = [];
    for (const name of names) {
      scripted.script(name, byModel);
      const run = await start(name, { options: { model: 'dying' } });
      expect(await run.result()).toEqual({ answer: '42' });
      const { steps } = await stack.client.show(run.id);
      expect(steps).toMatchObject([{ model: 'plain', fallbackFrom: [{ alias: 'dying' }] }]);
      reasons.push(
        steps[0]?.fallbackFrom?.[0]?.for,
        steps[0]?.tries?.map(({ alias, error }) => [alias, error?.type]),
      );
    }
    const tried = [
      ['dying', 'Model.ServerError'],
      ['default', undefined],
    ];
    expect(reasons).toEqual(['Model.ServerError', tried, 'Model.ServerError', tried, 'outage', undefined]);
    expect(names.map(modelsAsked)).toEqual([['dying', 'plain'], ['dying', 'plain'], ['plain']]);
  });

  it('counts what the slower of two hedged calls cost, which was cut off', async () => {
    const name = aCase();
    scripted.script(name, ({ model }) => (model === 'dear' ? { kind: 'hang', headers: true } : right));
    const run = await stack.client.start<typeof solveHedged>('solveHedged', { case: name }, { budget: { usd: 10 } });
    expect(await run.result()).toEqual({ answer: '42', attempt: 2 });
    expect(modelsAsked(name)).toEqual(['dear', 'plain']);
    // The loser was told to stop when the answer was there, and settles a moment later.
    const spent = await vi.waitUntil(async () => {
      const [budget] = await listBudgets(stack.ledger, { scope: run.id });
      return budget?.held.calls === 0 ? budget.spent : undefined;
    }, 10_000);
    const { steps } = await stack.client.show(run.id);
    const [slow, answered] = ['dear', 'plain'].map((model) => steps.find((step) => step.model === model)?.usage);
    expect(answered?.costUsd).toBeCloseTo(costUsd, 9);
    // 1,000 output tokens at $1,000 a million, and the prompt.
    expect(slow).toMatchObject({ outputTokens: 1_000, costUsd: expect.toSatisfy((usd: number) => usd > 1) as number });
    expect(spent.calls).toBe(2);
    expect(Number(spent.costPicoUsd) / 1e12).toBeCloseTo(slow!.costUsd + costUsd, 9);
    const costs = await stack.client.costs({ by: 'run' });
    expect(costs.rows.find(({ name: id }) => id === run.id)?.costPicoUsd).toBe(spent.costPicoUsd);
  });

  describe('the commands on it', () => {
    beforeEach(() => {
      vi.stubEnv('TEMPORAL_ADDRESS', stack.temporalAddress);
      vi.stubEnv('DATABASE_URL', stack.databaseUrl);
      vi.stubEnv('NO_COLOR', '1');
    });
    afterEach(() => {
      vi.unstubAllEnvs();
    });

    async function solved(budget?: BudgetAmounts): Promise<Run> {
      const name = aCase();
      scripted.script(name, [right]);
      const run = await start(name, {}, budget);
      await run.result();
      return run;
    }

    it('show a budget’s time and who spent it, by its run and by its key', async () => {
      const run = await solved({ wallMs: 3_600_000 });
      const [budget] = await stack.client.budgets({ run: run.id });
      expect(budget).toMatchObject({
        endsAt: expect.any(String) as string,
        spenders: [{ name: 'solver', calls: 1, tokens: 110, costPicoUsd: BigInt(costUsd * 1e12) }],
      });
      for (const of of [run.id, budget!.key]) {
        expect(await segno(budgetsCommand(), of)).toMatch(/ ends in \d+ [^]*SPENT BY[^]* solver +1 +110 +\$0\.0002\n/);
      }
      await stack.ledger.query('update segno.budgets set ends_at = now() where key = $1', [budget!.key]);
      expect(await segno(budgetsCommand(), run.id)).toMatch(/ ended\n/);
    });

    it('know a run without a budget from one that nobody knows', async () => {
      const run = await solved();
      expect(await segno(budgetsCommand(), run.id)).toMatch(/^The run .* has no budget\./);
      await expect(segno(budgetsCommand(), 'no-such-run')).rejects.toMatchObject({ type: 'Run.Unknown' });
    });

    it('raise what the budget limits, and name the options for it', async () => {
      const run = await solved({ usd: 1 });
      const [budget] = await stack.client.budgets({ run: run.id });
      let said = '';
      const raise = (...amount: string[]): Promise<string> => {
        const command = budgetsCommand();
        for (const one of [command, ...command.commands])
          one.exitOverride().configureOutput({ writeErr: (text) => (said += text) });
        return segno(command, 'raise', budget!.key, ...amount);
      };
      await expect(raise('--tokens', '5')).rejects.toBeInstanceOf(CommanderError);
      expect(said).toContain(`--tokens: ${budget!.key} has no such limit; raise it by --usd`);
      await expect(raise('--usd', '9999999')).rejects.toBeInstanceOf(CommanderError);
      expect(await raise('--usd', '1')).toContain('of $2.00');
    });
  });

  it('lets no more calls through at a time than a limit says, and serves all of them', async () => {
    let [running, most] = [0, 0];
    const names = Array.from({ length: 6 }, aCase);
    for (const name of names) {
      scripted.script(name, [
        async () => {
          running += 1;
          most = Math.max(most, running);
          await new Promise((resolve) => setTimeout(resolve, 150));
          running -= 1;
          return right;
        },
      ]);
    }
    const runs = await Promise.all(names.map((name) => start(name, { options: { model: 'narrow' } })));
    await Promise.all(runs.map((run) => run.result()));
    expect(most).toBe(1);
    const { rows } = await stack.ledger.query<{ waited: number }>(
      `select count(*)::int as waited from segno.attempts where model = 'narrow' and provider = $1 and waited_for like 'concurrency at %'`,
      [own],
    );
    expect(rows[0]?.waited).toBeGreaterThanOrEqual(4);
    const shown = await Promise.all(runs.map(async (run) => (await stack.client.show(run.id)).steps[0]));
    const waited = shown.filter((step) => step?.waitedMs !== undefined);
    expect(waited.length).toBeGreaterThanOrEqual(4);
    for (const step of waited) expect(step?.waitedFor).toEqual([`concurrency at model/${own}/narrow`]);
  });

  it('lets a run say what its calls wait for', async () => {
    const [first, second] = [aCase(), aCase()];
    let answer: (step: ScriptStep) => void = () => undefined;
    scripted.script(first, [() => new Promise<ScriptStep>((resolve) => (answer = resolve))]);
    scripted.script(second, [right]);
    const running = await start(first, { options: { model: 'narrow' } });
    await vi.waitUntil(() => scripted.requestsOf(first).length === 1, 20_000);
    const waits = await start(second, { options: { model: 'narrow' } });
    const { waiting } = await vi.waitUntil(async () => {
      const details = await stack.client.show(waits.id);
      return details.waiting && details;
    }, 20_000);
    expect(waiting).toMatchObject([
      { path: 'solver#1/turn#1', waitsFor: `concurrency at model/${own}/narrow`, others: 0 },
    ]);
    answer(right);
    await Promise.all([running.result(), waits.result()]);
    expect(await stack.client.show(waits.id)).not.toHaveProperty('waiting');
  });
});

import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Budget, noAmounts, usedShare } from '../../../core/admission/budget.js';
import type { AdmissionRequest } from '../../../core/admission/admission.js';
import {
  beginStep,
  eraseScope,
  finishStep,
  type Ledger,
  listBudgets,
  raiseBudget,
  waitForRaise,
  wakeRaised,
  warnedBudgets,
} from '../../../ledger/index.js';
import { aModelCall, describeOnBothDatabases } from './databases.js';

const newKey = (): string => `run/${randomUUID()}`;

/** A call that is held of the budget, to be settled. */
async function aCall(ledger: Ledger, budget: string, limits: Budget['limits'], warnAt: number[] = [], scope = 'scope') {
  const candidate = { alias: 'default', provider: 'openai', model: 'small-1', inputTokens: 80, outputTokens: 20 };
  const admission: AdmissionRequest = {
    priority: 3,
    budgets: [{ key: budget, limits, warnAt }],
    gates: [],
    candidates: [{ ...candidate, costPicoUsd: 1_000n, gates: [], skipOn: [] }],
  };
  const step = aModelCall({ admission, model: undefined, upperBound: undefined, scope });
  const begun = await beginStep(ledger, step);
  const attempt = { key: step.key, epoch: 'epoch' in begun ? begun.epoch : 0, owner: step.owner };
  return async (tokens = 100, costPicoUsd = 1_000n) => {
    const used = { calls: 1, tokens, costPicoUsd };
    const usage = { inputTokens: tokens, outputTokens: 0, cachedInputTokens: 0, costPicoUsd, estimated: false };
    const settlement = { used, health: 'good' as const, durationMs: 1, warnAt: { [budget]: warnAt } };
    return (await finishStep(ledger, { ...attempt, result: 1, usage, settlement })).warnings ?? [];
  };
}

describeOnBothDatabases((database) => {
  const waitOf = (budget: string, workflowId: string, namespace: string) =>
    waitForRaise(database().ledger, {
      budget,
      namespace,
      workflowId,
      tokens: 100,
      costPicoUsd: 1_000n,
      staysMs: 60_000,
    });

  it('raises a budget once by the same id, however many ask for it at once', async () => {
    const { ledger } = database();
    const budget = newKey();
    await (
      await aCall(ledger, budget, { calls: 1 })
    )();
    await expect(aCall(ledger, budget, { calls: 1 })).rejects.toMatchObject({ type: 'Budget.Exceeded' });
    const input = { id: randomUUID(), budget, amounts: { calls: 2, usd: 0.5, tokens: 7 }, by: 'Ada' };
    const raised = await Promise.all([1, 2, 3, 4].map(() => raiseBudget(ledger, input)));
    expect(raised).toEqual(raised.map(() => ({ budget, raises: 1 })));
    expect(await raiseBudget(ledger, { ...input, id: randomUUID(), amounts: { calls: 1 } })).toEqual({
      budget,
      raises: 2,
    });
    const [state] = await listBudgets(ledger, { key: budget });
    expect(state).toMatchObject({
      limits: { calls: 4 },
      raised: { calls: 3, tokens: 7, costPicoUsd: 500_000_000_000n },
    });
    for (let call = 0; call < 3; call += 1) await (await aCall(ledger, budget, { calls: 1 }))();
    await expect(aCall(ledger, budget, { calls: 1 })).rejects.toMatchObject({ type: 'Budget.Exceeded' });
  });

  it('raises no budget that is not there', async () => {
    const input = { id: randomUUID(), budget: newKey(), amounts: { calls: 1 } };
    await expect(raiseBudget(database().ledger, input)).rejects.toMatchObject({ type: 'Budget.Unknown' });
  });

  it('gives time from now on to a budget whose time is over', async () => {
    const { ledger } = database();
    const budget = newKey();
    const namespace = randomUUID();
    await (
      await aCall(ledger, budget, { calls: 5 })
    )();
    await ledger.query(`update segno.budgets set ends_at = now() - interval '1 hour' where key = $1`, [budget]);
    expect(await waitOf(budget, 'w', namespace)).toEqual({ raises: 0 });
    await raiseBudget(ledger, { id: randomUUID(), budget, amounts: { wallMs: 60_000 } });
    expect(await waitOf(budget, 'w', namespace)).toBeUndefined();
  });

  it('lets a run that is refused see the raise, or the raise see the run', async () => {
    const { ledger } = database();
    const namespace = randomUUID();
    for (let round = 0; round < 10; round += 1) {
      const budget = newKey();
      const workflowId = `w-${round}`;
      await (
        await aCall(ledger, budget, { calls: 1 })
      )();
      const [waits] = await Promise.all([
        waitOf(budget, workflowId, namespace),
        raiseBudget(ledger, { id: randomUUID(), budget, amounts: { calls: 1 } }),
      ]);
      const woken: string[] = [];
      await wakeRaised(ledger, namespace, (id) => Promise.resolve(void woken.push(id)));
      expect(woken).toEqual(waits ? [workflowId] : []);
    }
  });

  it('tells each waiting run once, and one that could not be told again', async () => {
    const { ledger } = database();
    const namespace = randomUUID();
    const budget = newKey();
    await (
      await aCall(ledger, budget, { calls: 1 })
    )();
    for (const id of ['a', 'a', 'b']) expect(await waitOf(budget, id, namespace)).toEqual({ raises: 0 });
    await waitOf(budget, 'elsewhere', randomUUID());
    const woken: string[] = [];
    const wake = (id: string, raised: { budget: string; raises: number }): Promise<void> => {
      woken.push(`${id} ${raised.raises}`);
      return id === 'b' && woken.length < 3 ? Promise.reject(new Error('gone')) : Promise.resolve();
    };
    expect(await wakeRaised(ledger, namespace, wake)).toBe(0);
    await raiseBudget(ledger, { id: randomUUID(), budget, amounts: { calls: 1 } });
    await expect(wakeRaised(ledger, namespace, wake)).rejects.toThrow('gone');
    expect(woken.toSorted()).toEqual(['a 1', 'b 1']);
    expect(await wakeRaised(ledger, namespace, wake)).toBe(1);
    expect(await wakeRaised(ledger, namespace, wake)).toBe(0);
  });

  it('warns at each threshold once, at the share the core says, whoever settles', async () => {
    const { ledger } = database();
    const limits = fc.record(
      {
        calls: fc.integer({ min: 1, max: 6 }),
        tokens: fc.integer({ min: 100, max: 600 }),
        costPicoUsd: fc.bigInt({ min: 1_000n, max: 6_000n }),
      },
      { requiredKeys: ['calls'] },
    );
    const thresholds = fc.uniqueArray(fc.constantFrom(0.1, 0.25, 0.5, 0.8, 1), { minLength: 1 });
    await fc.assert(
      fc.asyncProperty(
        limits,
        thresholds,
        fc.array(fc.integer({ min: 1, max: 100 }), { maxLength: 6 }),
        async (most, warnAt, calls) => {
          const budget = newKey();
          const told = new Set<number>();
          let spent = noAmounts;
          for (const tokens of calls) {
            const settle = await aCall(ledger, budget, most, warnAt).catch(() => undefined);
            if (!settle) break;
            const warnings = await settle(tokens, BigInt(tokens * 10));
            spent = {
              calls: spent.calls + 1,
              tokens: spent.tokens + tokens,
              costPicoUsd: spent.costPicoUsd + BigInt(tokens * 10),
            };
            const share = usedShare({ limits: most, held: noAmounts, spent });
            const due = warnAt.filter((threshold) => threshold <= share && !told.has(threshold)).sort();
            expect(warnings.map(({ threshold }) => threshold)).toEqual(due);
            for (const warning of warnings) expect(warning).toEqual({ budget, threshold: warning.threshold, share });
            for (const threshold of due) told.add(threshold);
          }
          expect((await listBudgets(ledger, { key: budget }))[0]?.warnings.length ?? 0).toBe(told.size);
        },
      ),
      { numRuns: 15 },
    );
    const budget = newKey();
    const settles = await Promise.all([1, 2, 3, 4].map(() => aCall(ledger, budget, { calls: 4 }, [0.5])));
    const warnings = (await Promise.all(settles.map((settle) => settle()))).flat();
    expect(warnings.map(({ threshold }) => threshold)).toEqual([0.5]);
  });

  it('shows a run the warnings of all budgets it spends from', async () => {
    const { ledger } = database();
    const [budget, scope] = [newKey(), randomUUID()];
    await (
      await aCall(ledger, budget, { calls: 1 }, [0.8], scope)
    )();
    const since = new Date(0).toISOString();
    expect(await warnedBudgets(ledger, { scope, since })).toMatchObject([{ budget, threshold: 0.8, share: 1 }]);
    expect(await warnedBudgets(ledger, { scope, since: '2999-01-01T00:00:00Z' })).toEqual([]);
  });

  it('forgets who raised a budget with the run that asked, and keeps the raise', async () => {
    const { ledger } = database();
    const [budget, scope] = [newKey(), randomUUID()];
    await (
      await aCall(ledger, budget, { calls: 1 })
    )();
    await raiseBudget(ledger, { id: randomUUID(), budget, amounts: { calls: 1 }, by: 'Ada', scope });
    await eraseScope(ledger, { tenant: 'tenant', scope });
    const { rows } = await ledger.query(`select raised_by, calls from segno.budget_raises where budget = $1`, [budget]);
    expect(rows).toEqual([{ raised_by: null, calls: '1' }]);
  });
});

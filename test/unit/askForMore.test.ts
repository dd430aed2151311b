import { describe, expect, it, vi } from 'vitest';
import { buildAdmission } from '../../core/admission/buildAdmission.js';
import { raiseFaults } from '../../core/admission/raise.js';
import { budgetSchema, type KeyedBudget } from '../../core/admission/settings.js';
import { decisionFaults } from '../../core/approval.js';
import { isPaused, paused, pausedMs } from '../../workflows/pauses.js';

describe('what a budget is raised by', () => {
  it('is more than nothing, in units that it limits', () => {
    expect(raiseFaults({ usd: 0.5, calls: 1 })).toEqual([]);
    expect(raiseFaults({ tokens: 1 }, ['tokens'])).toEqual([]);
    const wrong = [undefined, null, {}, [1], 'usd', { usd: 0 }, { usd: -1 }, { usd: '1' }, { usd: Number.NaN }];
    for (const amounts of [...wrong, { calls: 1.5 }, { usd: 1_000_001 }, { eur: 1 }]) {
      expect(raiseFaults(amounts)).toHaveLength(1);
    }
    expect(raiseFaults({ usd: 1, calls: 1 }, ['tokens'])).toHaveLength(2);
  });

  it('is said by who approves, and not by who refuses', () => {
    const answer = { approval: 'budget', approved: true, by: 'Ada' };
    const raise = ['usd'] as const;
    expect(decisionFaults({ raise }, answer)).toEqual([expect.stringContaining('raise: says not by how much')]);
    expect(decisionFaults({ raise }, { ...answer, value: { usd: 1 } })).toEqual([]);
    expect(decisionFaults({ raise }, { ...answer, approved: false })).toEqual([]);
  });
});

describe('the settings of a budget', () => {
  const demandOf = (budget: KeyedBudget) => {
    const config = { providers: {}, budgets: {}, tenants: {} };
    const model = {
      ...{ alias: 'default', provider: 'offline', config: { provider: 'offline', model: 'm' } },
      ...{ inputTokens: 1, outputTokens: 1, costPicoUsd: 0n },
    };
    const input = {
      config,
      tenant: 'default',
      priority: 3,
      budgets: [budget],
      namedBudget: undefined,
      models: [model],
    };
    return buildAdmission({ ...input, nowMs: 0, costOf: () => 0n }).budgets[0];
  };

  it('ask only if they say so, for seven days if they do not say for how long, and warn at 80 %', () => {
    const day = 24 * 3_600_000;
    expect(demandOf({ key: 'run/a', calls: 1 })).toEqual({ key: 'run/a', limits: { calls: 1 }, warnAt: [0.8] });
    expect(demandOf({ key: 'run/a', calls: 1, onExceeded: 'ask' })).toMatchObject({ answerWithinMs: 7 * day });
    const own = { onExceeded: 'ask', answerWithinMs: 5, warnAt: [] } as const;
    expect(demandOf({ key: 'run/a', calls: 1, ...own, warnAt: [] })).toMatchObject({ answerWithinMs: 5, warnAt: [] });
  });

  it('name an amount, whatever else they say', () => {
    expect(budgetSchema.safeParse({ onExceeded: 'ask', answerWithinMs: 5, warnAt: [0.5] }).success).toBe(false);
    expect(budgetSchema.safeParse({ usd: 1, warnAt: [0.5, 1] }).success).toBe(true);
    expect(budgetSchema.safeParse({ usd: 1, warnAt: [80] }).success).toBe(false);
  });
});

describe('time in which a step is paused', () => {
  it('counts once where pauses overlap, and only in the places around the step', async () => {
    vi.useFakeTimers();
    const startedMs = Date.now();
    let endFirst = (): void => undefined;
    let endSecond = (): void => undefined;
    const first = paused('map#1/a/agent#1', () => new Promise<void>((resolve) => (endFirst = resolve)));
    vi.advanceTimersByTime(100);
    const second = paused('map#1/b/agent#1', () => new Promise<void>((resolve) => (endSecond = resolve)));
    vi.advanceTimersByTime(100);
    endFirst();
    await first;
    vi.advanceTimersByTime(100);
    expect([pausedMs('map#1', startedMs), pausedMs('map#1/a', startedMs), pausedMs('map#1/b', startedMs)]).toEqual([
      300, 200, 200,
    ]);
    expect(pausedMs('map#1', startedMs + 150)).toBe(150);
    expect([pausedMs('map#11', startedMs), pausedMs('other#1', startedMs)]).toEqual([0, 0]);
    expect([isPaused('map#1'), isPaused('map#1/a'), isPaused('map#1/b/agent#1')]).toEqual([true, false, true]);
    endSecond();
    await second;
    expect(isPaused('map#1')).toBe(false);
    vi.useRealTimers();
  });
});

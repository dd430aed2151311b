import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Amounts,
  type Budget,
  correct,
  fitInto,
  hold,
  noAmounts,
  settle,
  usedShare,
} from '../../core/admission/budget.js';

const amounts = (most: number): fc.Arbitrary<Amounts> =>
  fc.record({
    calls: fc.constant(1),
    tokens: fc.integer({ min: 0, max: most }),
    costPicoUsd: fc.bigInt({ min: 0n, max: BigInt(most) }),
  });
const limits = fc.record(
  {
    calls: fc.integer({ min: 0, max: 20 }),
    tokens: fc.integer({ min: 0, max: 500 }),
    costPicoUsd: fc.bigInt({ min: 0n, max: 500n }),
  },
  { requiredKeys: [] },
);
type Command = { do: 'ask'; need: Amounts } | { do: 'settle' | 'expire' | 'release' | 'correct'; at: number };
const commands: fc.Arbitrary<Command[]> = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant('ask' as const), need: amounts(60) }),
    fc.record({ do: fc.constantFrom('settle', 'expire', 'release', 'correct'), at: fc.nat(20) }),
  ),
  { maxLength: 80 },
);
const half = ({ calls, tokens, costPicoUsd }: Amounts): Amounts => ({
  calls,
  tokens: Math.floor(tokens / 2),
  costPicoUsd: costPicoUsd / 2n,
});
const total = (all: readonly Amounts[]): Amounts =>
  all.reduce(
    (sum, each) => ({
      calls: sum.calls + each.calls,
      tokens: sum.tokens + each.tokens,
      costPicoUsd: sum.costPicoUsd + each.costPicoUsd,
    }),
    noAmounts,
  );

describe('a budget', () => {
  it('is never overshot, and its books equal those of its calls, whatever becomes of them', () => {
    fc.assert(
      fc.property(limits, commands, (limited, steps) => {
        let budget: Budget = { limits: limited, held: noAmounts, spent: noAmounts };
        const open: Amounts[] = [];
        const expired: Amounts[] = [];
        const spent: Amounts[] = [];
        for (const step of steps) {
          if (step.do === 'ask') {
            if (fitInto(budget, step.need) !== 'fits') continue;
            budget = hold(budget, step.need);
            open.push(step.need);
          } else if (step.do === 'correct') {
            const [counted] = expired.splice(step.at % Math.max(1, expired.length), 1);
            if (!counted) continue;
            budget = correct(budget, counted, half(counted));
            spent.push(half(counted));
          } else {
            const [held] = open.splice(step.at % Math.max(1, open.length), 1);
            if (!held) continue;
            const used = { settle: half(held), expire: held, release: noAmounts }[step.do];
            budget = settle(budget, held, used);
            (step.do === 'expire' ? expired : spent).push(used);
          }
          expect(budget.held).toEqual(total(open));
          expect(budget.spent).toEqual(total([...spent, ...expired]));
          for (const unit of ['calls', 'tokens', 'costPicoUsd'] as const) {
            const limit = limited[unit];
            if (limit !== undefined)
              expect(BigInt(budget.held[unit]) + BigInt(budget.spent[unit]) <= BigInt(limit)).toBe(true);
          }
        }
      }),
    );
  });

  it('waits for calls under way, and is exhausted only when even their end would not make room', () => {
    const budget: Budget = {
      limits: { tokens: 100 },
      held: { ...noAmounts, tokens: 60 },
      spent: { ...noAmounts, tokens: 30 },
    };
    const need = (tokens: number): Amounts => ({ calls: 1, tokens, costPicoUsd: 0n });
    expect(fitInto(budget, need(10))).toBe('fits');
    expect(fitInto(budget, need(70))).toBe('wait');
    expect(fitInto(budget, need(71))).toBe('exhausted');
  });

  it('knows how much of it is used by the unit nearest to its limit', () => {
    const spent = { calls: 1, tokens: 50, costPicoUsd: 8n };
    expect(usedShare({ limits: { tokens: 100, costPicoUsd: 10n }, held: noAmounts, spent })).toBe(0.8);
    expect(usedShare({ limits: {}, held: noAmounts, spent })).toBe(0);
    expect(usedShare({ limits: { calls: 0 }, held: noAmounts, spent: noAmounts })).toBe(1);
  });
});

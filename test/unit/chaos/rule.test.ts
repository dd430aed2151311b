import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Chaos, type Strike } from '../../../core/chaos/chaos.js';
import {
  type ActiveRule,
  type CallRule,
  type ChaosRule,
  checkRule,
  isAtWork,
  killMoments,
  longestRuleMs,
  strikes,
} from '../../../core/chaos/rule.js';

const at = (rule: ChaosRule, more: Partial<ActiveRule> = {}): ActiveRule => ({
  id: 'r',
  rule,
  seed: 7,
  startsAtMs: 0,
  endsAtMs: 60_000,
  ...more,
});

describe('a rule', () => {
  it.each<[unknown, RegExp]>([
    [{ at: 'provider', fault: 'flood' }, /fault: is no fault of a provider: one of 400, .*429.*wrong-usage/],
    [
      { at: 'provider', fault: { kind: 'stall', retryAfterSeconds: 1 } },
      /fault: Unrecognized key: "retryAfterSeconds"/,
    ],
    [{ at: 'provider', fault: '429', share: 0.5, every: 2 }, /both share and every/],
    [{ at: 'provider', fault: '429', share: 0 }, /share/],
    [{ at: 'tool', fault: 'kill' }, /before or after/],
    [{ at: 'ledger', fault: '429' }, /kill or pause/],
    [{ at: 'ledger', fault: 'pause', everyMs: 5_000 }, /everyMs is of kills/],
    [{ at: 'disk', fault: 'full' }, /at/],
  ])('that is wrong is refused: %j', (rule, message) => {
    expect(() => checkRule(rule)).toThrow(expect.objectContaining({ type: 'Config.Invalid' }) as Error);
    expect(() => checkRule(rule)).toThrow(message);
  });

  it('ends by itself, whatever its end says', () => {
    const forgotten = at({ at: 'tool', fault: 'before' }, { endsAtMs: Number.MAX_SAFE_INTEGER });
    expect(isAtWork(forgotten, longestRuleMs - 1)).toBe(true);
    expect(isAtWork(forgotten, longestRuleMs)).toBe(false);
    expect(isAtWork(at({ at: 'tool', fault: 'before' }), -1)).toBe(false);
  });

  it('strikes the same calls for the same seed, as often as its share says', () => {
    const rule: CallRule = { at: 'provider', fault: '500', share: 0.2 };
    const struck = (seed: number): number[] =>
      Array.from({ length: 5_000 }, (_, call) => call + 1).filter((call) => strikes(rule, seed, call));
    expect(struck(3)).toEqual(struck(3));
    expect(struck(3)).not.toEqual(struck(4));
    expect(struck(3).length / 5_000).toBeCloseTo(0.2, 1.5);
  });

  it('strikes every nth call', () => {
    const rule: CallRule = { at: 'tool', fault: 'after', every: 3 };
    expect([1, 2, 3, 4, 5, 6, 7].filter((call) => strikes(rule, 1, call))).toEqual([3, 6]);
  });

  it('kills once, at its start, or once in each span', () => {
    const once = at({ at: 'worker', fault: 'kill' }, { startsAtMs: 500 });
    expect(killMoments(once)).toEqual([500]);
    expect(killMoments(at({ at: 'worker', fault: 'pause' }))).toEqual([]);
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1_000, max: 20_000 }), (seed, everyMs) => {
        const moments = killMoments(at({ at: 'ledger', fault: 'kill', everyMs }, { seed }));
        expect(moments).toHaveLength(Math.floor(60_000 / everyMs));
        moments.forEach((moment, span) => {
          expect(moment).toBeGreaterThanOrEqual(span * everyMs);
          expect(moment).toBeLessThan((span + 1) * everyMs);
        });
      }),
    );
  });
});

describe('failure injection', () => {
  it('concerns the named model or tool alone, and only while the rule is at work', () => {
    const rules = [
      at({ at: 'provider', fault: { kind: 'slow', delayMs: 5 }, model: 'big' }, { id: 'p' }),
      at({ at: 'tool', fault: 'after', tool: 'mail' }, { id: 't' }),
    ];
    const chaos = new Chaos(() => rules);
    expect(chaos.atProvider('big', 1)).toEqual({ kind: 'slow', delayMs: 5 });
    expect(chaos.atProvider('small', 1)).toBeUndefined();
    expect(chaos.atTool('mail', 1)).toBe('after');
    expect(chaos.atTool('book', 1)).toBeUndefined();
    expect(chaos.atTool('mail', 60_000)).toBeUndefined();
  });

  it('ends with its limit, and says what it has struck', () => {
    const noted: Strike[] = [];
    const rule = at({ at: 'tool', fault: 'before', every: 2, limit: 2 });
    const chaos = new Chaos(
      () => [rule],
      (strike) => noted.push(strike),
    );
    expect(Array.from({ length: 8 }, () => chaos.atTool('book', 1) ?? '')).toEqual([
      ...['', 'before', '', 'before'],
      ...['', '', '', ''],
    ]);
    expect(noted).toEqual([2, 4].map((call) => ({ rule: 'r', at: 'tool', fault: 'before', of: 'book', call })));
  });

  it('lets the first rule that strikes decide, while every rule counts every call', () => {
    const rules = [
      at({ at: 'provider', fault: '500', every: 2 }, { id: 'first' }),
      at({ at: 'provider', fault: '429', every: 3 }, { id: 'second' }),
    ];
    const chaos = new Chaos(() => rules);
    expect(Array.from({ length: 7 }, () => chaos.atProvider('m', 1)?.kind ?? '')).toEqual([
      ...['', '500', '429', '500', '', '500', ''],
    ]);
  });
});

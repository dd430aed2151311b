import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eventFaults, keepingFaults } from '../../core/event.js';
import { momentMs } from '../../core/moment.js';
import { nextTick, tickMs } from '../../core/ticks.js';

describe('an event', () => {
  it('is refused for all that is wrong with it', () => {
    const ring: unknown[] = [];
    ring.push(ring);
    expect(eventFaults({ name: 'a/b', key: '', id: '', data: ring })).toEqual([
      'a name has 1 to 100 characters, none of them "/" or a control character',
      'key: is no text of 1 to 200 characters',
      'id: is no text of 1 to 100 characters',
      'data: is nothing that JSON can carry',
    ]);
    expect(eventFaults({ name: 'paid', id: 'x', data: 'x'.repeat(64_000) })).toEqual([
      expect.stringMatching(/^data: has 64002 characters as JSON, of at most 64000/),
    ]);
    expect(eventFaults({ name: 'paid', key: 'a/b', id: 'x' })).toEqual([]);
  });

  it('is kept up to a number and a size', () => {
    const event = { name: 'paid', id: 'x', data: 'x'.repeat(60_000) };
    const kept = (count: number) => Array.from({ length: count }, () => event);
    expect(keepingFaults(kept(7), event)).toEqual([]);
    expect(keepingFaults(kept(8), event)).toEqual([expect.stringContaining('over 500000 characters')]);
    const small = { name: 'paid', id: 'x' };
    expect(
      keepingFaults(
        Array.from({ length: 99 }, () => small),
        small,
      ),
    ).toEqual([]);
    expect(
      keepingFaults(
        Array.from({ length: 100 }, () => small),
        small,
      ),
    ).toEqual([expect.stringContaining('keeps 100 events')]);
  });
});

describe('a moment', () => {
  it.each([
    ['2027-01-31', Date.UTC(2027, 0, 31)],
    ['2027-01-31T09:00Z', Date.UTC(2027, 0, 31, 9)],
    ['2027-01-31T09:00:30.5+01:00', Date.UTC(2027, 0, 31, 8, 0, 30, 500)],
    [new Date(7), 7],
  ])('%s is one', (moment, ms) => {
    expect(momentMs(moment)).toBe(ms);
  });

  it.each(['2027-01-31T09:00', '2027-13-01', '31.1.2027', 'tomorrow', '', new Date(NaN)])('%s is none', (moment) => {
    expect(momentMs(moment)).toBeUndefined();
  });
});

describe('the times of an interval', () => {
  it('never drift, never come twice, and are never over when they come next', () => {
    const ms = fc.integer({ min: 0, max: 5_000 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000 }), fc.array(ms, { maxLength: 20 }), (everyMs, tookMs) => {
        const interval = { startMs: 1_700_000_000_000, everyMs };
        let tick = 0;
        let nowMs = interval.startMs;
        for (const took of tookMs) {
          nowMs = Math.max(nowMs, tickMs(interval, tick)) + took;
          const next = nextTick(interval, tick, nowMs);
          expect(next).toBeGreaterThan(tick);
          expect((tickMs(interval, next) - interval.startMs) % everyMs).toBe(0);
          if (next > tick + 1) expect(tickMs(interval, next - 1)).toBeLessThan(nowMs);
          expect(tickMs(interval, next)).toBeGreaterThanOrEqual(nowMs - (next === tick + 1 ? took : 0));
          tick = next;
        }
      }),
    );
  });
});

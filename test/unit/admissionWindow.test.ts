import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addTo,
  emptyWindow,
  slotCount,
  slotMs,
  slotOf,
  usedIn,
  waitMsFor,
  windowAt,
} from '../../core/admission/slidingWindow.js';

const startMs = 1_790_000_000_000;
const uses = fc.array(
  fc.record({ afterMs: fc.integer({ min: 0, max: 20_000 }), amount: fc.integer({ min: 1, max: 50 }) }),
  {
    maxLength: 60,
  },
);

describe('a sliding window', () => {
  it('counts all of the last 60 s, and nothing older than 65 s, like a log of what was used', () => {
    fc.assert(
      fc.property(uses, (steps) => {
        let nowMs = startMs;
        let window = emptyWindow;
        const log: { atMs: number; amount: number }[] = [];
        const since = (ms: number): number =>
          log.filter(({ atMs }) => atMs > nowMs - ms).reduce((sum, { amount }) => sum + amount, 0);
        for (const { afterMs, amount } of steps) {
          nowMs += afterMs;
          window = addTo(windowAt(window, nowMs), slotOf(nowMs), amount);
          log.push({ atMs: nowMs, amount });
          expect(usedIn(window)).toBeGreaterThanOrEqual(since(60_000));
          expect(usedIn(window)).toBeLessThanOrEqual(since(slotCount * slotMs));
        }
      }),
    );
  });

  it('keeps any minute under the limit when everybody waits as long as it says, and nobody waits longer than needed', () => {
    fc.assert(
      fc.property(uses, fc.integer({ min: 50, max: 200 }), (steps, limit) => {
        let nowMs = startMs;
        let window = emptyWindow;
        const log: { atMs: number; amount: number }[] = [];
        for (const { afterMs, amount } of steps) {
          nowMs += afterMs;
          const waitMs = waitMsFor(windowAt(window, nowMs), amount, limit, nowMs);
          expect(waitMs).toBeLessThanOrEqual((slotCount + 1) * slotMs);
          if (waitMs > 0) expect(usedIn(windowAt(window, nowMs + waitMs - 1)) + amount).toBeGreaterThan(limit);
          nowMs += waitMs;
          window = addTo(windowAt(window, nowMs), slotOf(nowMs), amount);
          log.push({ atMs: nowMs, amount });
        }
        for (const { atMs } of log) {
          const minute = log.filter((use) => use.atMs > atMs - 60_000 && use.atMs <= atMs);
          expect(minute.reduce((sum, { amount }) => sum + amount, 0)).toBeLessThanOrEqual(limit);
        }
      }),
    );
  });

  it('takes a refund where the use was counted, and none for a use that has left', () => {
    const used = addTo(windowAt(emptyWindow, startMs), slotOf(startMs), 40);
    const later = windowAt(used, startMs + 30_000);
    expect(usedIn(addTo(later, slotOf(startMs), -30))).toBe(10);
    const gone = windowAt(used, startMs + 70_000);
    expect(usedIn(addTo(gone, slotOf(startMs), -30))).toBe(0);
  });

  it('lets a need over the limit through when it is empty, and only then', () => {
    const empty = windowAt(emptyWindow, startMs);
    expect(waitMsFor(empty, 500, 100, startMs)).toBe(0);
    expect(waitMsFor(addTo(empty, slotOf(startMs), 1), 500, 100, startMs)).toBeGreaterThan(0);
  });

  it('stands still when the clock goes back', () => {
    const used = addTo(windowAt(emptyWindow, startMs), slotOf(startMs), 40);
    expect(windowAt(used, startMs - 60_000)).toEqual(used);
  });
});

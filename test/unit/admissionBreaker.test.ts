import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  afterCall,
  type Breaker,
  type BreakerSettings,
  type CallHealth,
  type CallOutcome,
  closedBreaker,
  passThrough,
} from '../../core/admission/breaker.js';

const startMs = 1_790_000_000_000;
const settings: BreakerSettings = {
  errorRate: 0.5,
  slowRate: 0.8,
  slowCallMs: 10_000,
  minCalls: 10,
  consecutive: 5,
  openMs: 10_000,
  longestOpenMs: 60_000,
  probes: 2,
};
const outcome = (health: CallHealth, more: Partial<CallOutcome> = {}): CallOutcome => ({
  health,
  durationMs: 100,
  costPicoUsd: 0,
  probeOf: undefined,
  ...more,
});
const after = (outcomes: readonly CallOutcome[], changed: Partial<BreakerSettings> = {}): Breaker =>
  outcomes.reduce<Breaker>(
    (breaker, each) => afterCall(breaker, { ...settings, ...changed }, each, startMs),
    closedBreaker,
  );
const times = (count: number, each: CallOutcome): CallOutcome[] => Array.from({ length: count }, () => each);

describe('a circuit breaker', () => {
  it('opens on faults in a row, and a success between them starts the row anew', () => {
    expect(after(times(5, outcome('fault'))).state).toBe('open');
    expect(after([...times(4, outcome('fault')), outcome('good'), ...times(4, outcome('fault'))]).state).toBe('closed');
  });

  it('opens on the share of faults in the last minute, from enough calls on', () => {
    const mixed = Array.from({ length: 5 }, () => [outcome('good'), outcome('fault')]).flat();
    expect(after(mixed).state).toBe('open');
    expect(after(mixed.slice(0, 9)).state).toBe('closed');
  });

  it('opens on slow calls, and on what a minute costs', () => {
    expect(after(times(10, outcome('good', { durationMs: 20_000 }))).state).toBe('open');
    expect(after(times(3, outcome('good', { costPicoUsd: 40 })), { costPicoUsd: 100 }).state).toBe('open');
  });

  it('does not count what says nothing of the provider', () => {
    expect(after(times(50, outcome('neutral'))).state).toBe('closed');
  });

  it('lets nobody pass while it is open, then some probes, and closes when they went well', () => {
    const open = after(times(5, outcome('fault')));
    expect(passThrough(open, settings, startMs + 9_999)).toEqual({ passes: false, waitMs: 1 });
    const nowMs = startMs + 10_000;
    const first = passThrough(open, settings, nowMs);
    if (!first.passes) throw new Error('the first probe does not pass');
    const second = passThrough(first.breaker, settings, nowMs);
    if (!second.passes) throw new Error('the second probe does not pass');
    expect(passThrough(second.breaker, settings, nowMs).passes).toBe(false);
    const probeOf = first.probeOf;
    const one = afterCall(second.breaker, settings, outcome('good', { probeOf }), nowMs);
    expect(one.state).toBe('halfOpen');
    expect(afterCall(one, settings, outcome('good', { probeOf }), nowMs)).toMatchObject({
      state: 'closed',
      openings: 0,
    });
  });

  it('opens twice as long after a probe that failed, up to the longest', () => {
    let breaker = after(times(5, outcome('fault')));
    const lengths: number[] = [];
    for (let round = 0; round < 5; round += 1) {
      const nowMs = breaker.openUntilMs;
      const pass = passThrough(breaker, settings, nowMs);
      if (!pass.passes) throw new Error('the probe does not pass');
      breaker = afterCall(pass.breaker, settings, outcome('fault', { probeOf: pass.probeOf }), nowMs);
      lengths.push(breaker.openUntilMs - nowMs);
    }
    expect(lengths).toEqual([20_000, 40_000, 60_000, 60_000, 60_000]);
  });

  it('gives a probe’s place back when it said nothing, and hears no probe of an earlier round', () => {
    const open = after(times(5, outcome('fault')));
    const nowMs = open.openUntilMs;
    const probe = passThrough(open, settings, nowMs);
    if (!probe.passes) throw new Error('the probe does not pass');
    const neutral = afterCall(probe.breaker, settings, outcome('neutral', { probeOf: probe.probeOf }), nowMs);
    expect(neutral).toMatchObject({ state: 'halfOpen', probing: 0 });
    const reopened = afterCall(probe.breaker, settings, outcome('fault', { probeOf: probe.probeOf }), nowMs);
    const next = passThrough(reopened, settings, reopened.openUntilMs);
    if (!next.passes) throw new Error('the next probe does not pass');
    const late = outcome('good', { probeOf: probe.probeOf });
    expect(afterCall(next.breaker, settings, late, reopened.openUntilMs)).toEqual(next.breaker);
  });

  it('never lets more probes pass than it may, and always lets somebody pass in the end', () => {
    const step = fc.record({
      afterMs: fc.integer({ min: 0, max: 30_000 }),
      ends: fc.integer({ min: 0, max: 3 }),
      health: fc.constantFrom<CallHealth>('good', 'fault', 'neutral'),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        let nowMs = startMs;
        let breaker = closedBreaker;
        let running: (number | undefined)[] = [];
        for (const { afterMs, ends, health } of steps) {
          nowMs += afterMs;
          const pass = passThrough(breaker, settings, nowMs);
          if (pass.passes) {
            breaker = pass.breaker;
            running.push(pass.probeOf);
          }
          const probes = running.filter((probeOf) => probeOf === breaker.round && breaker.state === 'halfOpen');
          expect(probes.length).toBeLessThanOrEqual(settings.probes);
          for (const probeOf of running.slice(0, ends)) {
            breaker = afterCall(breaker, settings, outcome(health, { probeOf }), nowMs);
          }
          running = running.slice(ends);
        }
        for (const probeOf of running) breaker = afterCall(breaker, settings, outcome('neutral', { probeOf }), nowMs);
        expect(passThrough(breaker, settings, nowMs + settings.longestOpenMs).passes).toBe(true);
      }),
    );
  });
});

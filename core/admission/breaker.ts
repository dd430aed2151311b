/**
 * A circuit breaker (Nygard, Release It!): after too many faults nobody calls for a while, then a few probes decide.
 *
 * Invariants:
 * 1. While it is open nobody passes; half open at most `probes` pass at a time.
 * 2. Only faults of the provider count: a request it rightly refused says nothing about its health.
 * 3. Each opening that follows a failed probe lasts twice as long as the one before, up to `longestOpenMs`.
 */
import { addTo, emptyWindow, slotOf, type SlidingWindow, usedIn, windowAt } from './slidingWindow.js';

export interface BreakerSettings {
  /** Share of the last minute's calls that were faults, 0 to 1, from `minCalls` on. */
  readonly errorRate: number;
  /** Share of the last minute's calls slower than `slowCallMs`, 0 to 1, from `minCalls` on. */
  readonly slowRate: number;
  readonly slowCallMs: number;
  readonly minCalls: number;
  /** Faults in a row. */
  readonly consecutive: number;
  /** Cost of the last minute's calls in pico-USD. */
  readonly costPicoUsd?: number | undefined;
  /** How long it stays open the first time. */
  readonly openMs: number;
  readonly longestOpenMs: number;
  /** Calls let through at a time when half open; as many successes close it. */
  readonly probes: number;
}

export interface Breaker {
  readonly state: 'closed' | 'open' | 'halfOpen';
  /** Unix time in milliseconds; of an open one. */
  readonly openUntilMs: number;
  /** Openings since it was last closed. */
  readonly openings: number;
  /** Openings ever: tells the probes of one opening from those of another. */
  readonly round: number;
  /** Probes under way, and those that went well. */
  readonly probing: number;
  readonly probed: number;
  /** Faults since the last success. */
  readonly faultsInRow: number;
  readonly calls: SlidingWindow;
  readonly faults: SlidingWindow;
  readonly slow: SlidingWindow;
  readonly cost: SlidingWindow;
}

/** `neutral`: it says nothing about the provider's health: refused as malformed, cancelled, never sent. */
export type CallHealth = 'good' | 'fault' | 'neutral';

export interface CallOutcome {
  readonly health: CallHealth;
  readonly durationMs: number;
  readonly costPicoUsd: number;
  /** The round it was admitted in as a probe; undefined when it was none. */
  readonly probeOf: number | undefined;
}

export const closedBreaker: Breaker = {
  state: 'closed',
  openUntilMs: 0,
  openings: 0,
  round: 0,
  probing: 0,
  probed: 0,
  faultsInRow: 0,
  calls: emptyWindow,
  faults: emptyWindow,
  slow: emptyWindow,
  cost: emptyWindow,
};

export type BreakerPass =
  | { readonly passes: true; readonly probeOf: number | undefined; readonly breaker: Breaker }
  | { readonly passes: false; readonly waitMs: number };

/** While a probe is under way the others ask again after this. */
const probeWaitMs = 500;

export function passThrough(breaker: Breaker, settings: BreakerSettings, nowMs: number): BreakerPass {
  if (breaker.state === 'closed') return { passes: true, probeOf: undefined, breaker };
  if (breaker.state === 'open' && nowMs < breaker.openUntilMs) {
    return { passes: false, waitMs: breaker.openUntilMs - nowMs };
  }
  const halfOpen: Breaker =
    breaker.state === 'open' ? { ...breaker, state: 'halfOpen', probing: 0, probed: 0 } : breaker;
  if (halfOpen.probing >= settings.probes) return { passes: false, waitMs: probeWaitMs };
  return { passes: true, probeOf: halfOpen.round, breaker: { ...halfOpen, probing: halfOpen.probing + 1 } };
}

export function afterCall(breaker: Breaker, settings: BreakerSettings, outcome: CallOutcome, nowMs: number): Breaker {
  if (breaker.state === 'closed') return afterClosed(breaker, settings, outcome, nowMs);
  // What was admitted before it opened, or by an earlier round of probes, decides nothing now.
  if (breaker.state === 'open' || outcome.probeOf !== breaker.round) return breaker;
  const probing = Math.max(0, breaker.probing - 1);
  if (outcome.health === 'neutral') return { ...breaker, probing };
  if (outcome.health === 'fault') return opened(breaker, settings, nowMs);
  const probed = breaker.probed + 1;
  return probed >= settings.probes ? { ...closedBreaker, round: breaker.round } : { ...breaker, probing, probed };
}

function afterClosed(before: Breaker, settings: BreakerSettings, outcome: CallOutcome, nowMs: number): Breaker {
  if (outcome.health === 'neutral') return before;
  const fault = outcome.health === 'fault';
  const count = (window: SlidingWindow, amount: number): SlidingWindow => {
    return addTo(windowAt(window, nowMs), slotOf(nowMs), amount);
  };
  const breaker: Breaker = {
    ...before,
    faultsInRow: fault ? before.faultsInRow + 1 : 0,
    calls: count(before.calls, 1),
    faults: count(before.faults, fault ? 1 : 0),
    slow: count(before.slow, outcome.durationMs > settings.slowCallMs ? 1 : 0),
    cost: count(before.cost, outcome.costPicoUsd),
  };
  return mustOpen(breaker, settings) ? opened(breaker, settings, nowMs) : breaker;
}

function mustOpen({ faultsInRow, calls, faults, slow, cost }: Breaker, settings: BreakerSettings): boolean {
  if (faultsInRow >= settings.consecutive) return true;
  if (settings.costPicoUsd !== undefined && usedIn(cost) > settings.costPicoUsd) return true;
  const total = usedIn(calls);
  if (total < settings.minCalls) return false;
  return usedIn(faults) >= settings.errorRate * total || usedIn(slow) >= settings.slowRate * total;
}

function opened(breaker: Breaker, { openMs, longestOpenMs }: BreakerSettings, nowMs: number): Breaker {
  const lengthMs = Math.min(openMs * 2 ** Math.min(breaker.openings, 30), longestOpenMs);
  return {
    ...closedBreaker,
    state: 'open',
    openUntilMs: nowMs + lengthMs,
    openings: breaker.openings + 1,
    round: breaker.round + 1,
  };
}

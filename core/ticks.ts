/**
 * When the rounds of an interval begin: at its start and every `everyMs` after it, however long rounds take.
 *
 * Invariant: rounds do not drift and do not overlap. One that takes longer leaves out the ticks it runs over.
 */

/** Of rounds of one interval: each leaves events in the history. */
export const mostTicks = 500;

export interface Interval {
  startMs: number;
  everyMs: number;
}

/** @param tick the last one, from 0 @param nowMs when its round has ended @returns the next tick that is not over */
export function nextTick({ startMs, everyMs }: Interval, tick: number, nowMs: number): number {
  return Math.max(tick + 1, Math.ceil((nowMs - startMs) / everyMs));
}

export function tickMs({ startMs, everyMs }: Interval, tick: number): number {
  return startMs + tick * everyMs;
}

/** How long to wait before a child that died is started again. Pure. */

/** A child that served this long before it died starts its count anew. */
export const stableAfterMs = 30_000;
/** After this many deaths in a row the stack gives up: about two minutes of trying. */
export const maxRestarts = 15;

/** @param deaths in a row, from 1; @returns milliseconds, undefined when it is time to give up */
export function restartDelayMs(deaths: number): number | undefined {
  if (deaths > maxRestarts) return undefined;
  return Math.min(10_000, 100 * 2 ** (deaths - 1));
}

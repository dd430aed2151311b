/** More gain nothing, since quick steps share the worker's one thread, and their answers would wait for each other. */
const maxInFlight = 8;

let inFlight = 0;
const waiting: (() => void)[] = [];

/**
 * Run a quick step when one of this workflow's slots is free; in the order of the calls, which replay repeats.
 *
 * Quick steps hold the workflow task, which has to be answered within a second. With many at once the answer comes too
 * late: the task times out, everything it did is replayed, and a run with fifty at once never gets on.
 */
export async function inQuickSlot<T>(step: () => Promise<T>): Promise<T> {
  if (inFlight < maxInFlight) inFlight += 1;
  else await new Promise<void>((resolve) => waiting.push(resolve));
  try {
    return await step();
  } finally {
    const next = waiting.shift();
    if (next) next();
    else inFlight -= 1;
  }
}

import { setTimeout as delay } from 'node:timers/promises';

const pollMs = 5;

/** Wait until `look` finds something, by looking again and again. @throws Error that names what did not come */
export async function eventually<T>(
  look: () => T | Promise<T>,
  what: string,
  timeoutMs = 60_000,
): Promise<NonNullable<T>> {
  const deadline = Date.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      const found = await look();
      if (found) return found;
      last = undefined;
    } catch (error) {
      // While a server is down every look fails; the last failure is told if it stays so.
      last = error;
    }
    if (Date.now() > deadline) {
      throw new Error(`waited ${timeoutMs} ms in vain for ${what}`, { cause: last });
    }
    await delay(pollMs);
  }
}

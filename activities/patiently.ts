import { setTimeout as delay } from 'node:timers/promises';
import { SegnoError } from '../core/errors.js';

const pausesMs = [50, 100, 250, 500, 1_000, 2_000, 4_000, 8_000];

/**
 * Keep trying to write down what has already happened while the ledger is away (about 16 s): to give up means that a paid
 * answer or a done effect is lost. Ledger writes are idempotent by (step, epoch).
 */
export async function patiently<T>(write: () => Promise<T>): Promise<T> {
  for (const pauseMs of pausesMs) {
    try {
      return await write();
    } catch (error) {
      if (!(error instanceof SegnoError && error.type === 'Ledger.Unavailable')) throw error;
      await delay(pauseMs);
    }
  }
  return write();
}

/**
 * A newer attempt owns the step. Retryable: the server refuses the word of an attempt it has given up, and one it has not
 * given up finds the newer attempt's result when it is tried again.
 */
export function fencedOff(key: string): SegnoError {
  return new SegnoError('Step.Fenced', `a newer attempt of ${key} has taken over`, { retryable: true });
}

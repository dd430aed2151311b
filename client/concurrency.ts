import { randomUUID } from 'node:crypto';
import { SegnoError } from '../core/errors.js';
import { type OnLimit, onLimitChoices, type PlaceRequest } from '../core/places.js';
import type { PlaceKeeper } from '../ledger/index.js';

/** Runs of one key, at most `limit` at a time, in the whole cluster. */
export interface Concurrency {
  /** `customer/42`: at most 200 characters. */
  key: string;
  /** Default 1. All runs of a key should say the same; each goes by its own. */
  limit?: number;
  /**
   * With as many in progress: `queue` (default) waits durably, first come first served; `drop` does not start the run
   * (`Run.Dropped`); `cancelRunning` cancels the oldest and starts when they have ended.
   */
  onLimit?: OnLimit;
}

export const mostConcurrency = 1_000;
export const longestKey = 200;

/** @throws SegnoError `Config.Invalid` */
export function placeFor({ key, limit = 1, onLimit = 'queue' }: Concurrency): PlaceRequest {
  const faults = [
    ...(typeof key === 'string' && key.length > 0 && key.length <= longestKey
      ? []
      : [`key: a text of 1 to ${longestKey} characters`]),
    ...(Number.isInteger(limit) && limit >= 1 && limit <= mostConcurrency
      ? []
      : [`limit: ${limit} is no whole number from 1 to ${mostConcurrency}`]),
    ...(onLimitChoices.includes(onLimit) ? [] : [`onLimit: ${onLimit} is not one of ${onLimitChoices.join(', ')}`]),
  ];
  if (faults.length > 0) throw new SegnoError('Config.Invalid', `the run’s concurrency: ${faults.join('; ')}`);
  return { id: randomUUID(), key, limit, onLimit };
}

function dropped({ key, limit }: PlaceRequest, holders: readonly string[]): SegnoError {
  const [first] = holders;
  const others = holders.length > 1 ? ` and ${holders.length - 1} more` : '';
  return new SegnoError(
    'Run.Dropped',
    `${limit === 1 ? 'a run' : `${limit} runs`} of ${key} ${limit === 1 ? 'is' : 'are'} in progress (${first ?? 'waiting for a place'}${others}), so this one was not started`,
    { details: { key, limit, runs: [...holders] } },
  );
}

export function isDropped(error: unknown): boolean {
  return error instanceof SegnoError && error.type === 'Run.Dropped';
}

/**
 * The run's place is asked for before the run is started: places are given in the order of these calls, and a run that is dropped
 * leaves nothing behind. Should the caller die in between, the place is found abandoned.
 *
 * @throws SegnoError `Run.Dropped`
 */
export async function startInPlace<T>(
  places: PlaceKeeper,
  place: PlaceRequest | undefined,
  owner: { tenant: string; workflowId: string },
  start: () => Promise<T>,
): Promise<T> {
  if (!place) return start();
  const taken = await places.take(place, owner, 'client');
  if (taken.state === 'refused') throw dropped(place, taken.holders);
  try {
    return await start();
  } catch (error) {
    // A run that was started after all, though we were not told, asks again itself.
    await places.leave({ tenant: owner.tenant, key: place.key }, place.id).catch(() => undefined);
    throw error;
  }
}

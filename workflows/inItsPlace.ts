/**
 * Runs of one concurrency key wait for their place before their first line, and leave it behind their last one.
 *
 * Invariants:
 * 1. A run without a key is as it would be without this file, down to the order in which its promises settle.
 * 2. A place is kept as long as the run goes on: through continue-as-new, and while its code throws what is a bug.
 * 3. It waits for a signal, without a timer: a run that waits costs nothing.
 */
import {
  CancellationScope,
  condition,
  defineSignal,
  proxyActivities,
  setHandler,
  TemporalFailure,
  workflowInfo,
} from '@temporalio/workflow';
import { memoKey, type RunMemo } from '../core/contracts.js';
import { quickStepsEnd } from './agent/quickSlots.js';
import { type PlaceActivities, type PlaceRequest, placeSignalName } from '../core/places.js';

const retry = { initialInterval: '200ms', backoffCoefficient: 2, maximumInterval: '10s' } as const;
const placeSignal = defineSignal<[string]>(placeSignalName);

export function inItsPlace<T>(body: () => Promise<T>): Promise<T> {
  const { place, tenant } = (workflowInfo().memo?.[memoKey] as RunMemo | undefined) ?? {};
  return place ? inPlace({ place, ...(tenant !== undefined && { tenant }) }, body) : body();
}

async function inPlace<T>(request: Request, body: () => Promise<T>): Promise<T> {
  try {
    await waitForPlace(request, workflowInfo().continuedFromExecutionRunId !== undefined);
    const result = await body();
    await leave(request);
    return result;
  } catch (error) {
    // Nothing else ends the run: a bug is tried again, and continue-as-new goes on.
    if (error instanceof TemporalFailure) await leave(request);
    throw error;
  }
}

interface Request {
  place: PlaceRequest;
  tenant?: string;
}

async function waitForPlace(request: Request, keepsIt: boolean): Promise<void> {
  let holding = keepsIt;
  setHandler(placeSignal, (id) => {
    holding ||= id === request.place.id;
  });
  if (holding) return;
  const { takePlace } = proxyActivities<PlaceActivities>({
    activityId: 'place/take',
    startToCloseTimeout: '20s',
    retry,
  });
  const taken = await CancellationScope.nonCancellable(() => takePlace(request));
  if (!taken.holding) await condition(() => holding);
}

/** A ledger that is away does not keep the run from ending: workers find out that it has, and give its place on. */
async function leave(request: Request): Promise<void> {
  const { leavePlace } = proxyActivities<PlaceActivities>({
    activityId: 'place/leave',
    startToCloseTimeout: '10s',
    scheduleToCloseTimeout: '5m',
    retry,
  });
  await CancellationScope.nonCancellable(async () => {
    await quickStepsEnd();
    await leavePlace(request).catch(() => undefined);
  });
}

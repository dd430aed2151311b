import {
  ActivityCancellationType,
  proxyActivities,
  proxyLocalActivities,
  type ActivityOptions,
} from '@temporalio/workflow';
import type { BatchActivities } from '../core/batches.js';
import type { SegnoActivities } from '../core/contracts.js';

/**
 * Temporal's attempts stay unlimited: waiting is a failed attempt too. Real attempts are counted in the ledger, and the
 * deadline bounds the whole.
 */
const retry = { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '30s' } as const;

/** Servers take ids of up to 1,000 bytes; a path may be longer, and one of its characters up to 4 bytes. */
const longestActivityId = 250;

/**
 * @param path the step's, which becomes the activity's id: it names the step in Temporal's own tools, and a replay fails
 * where the code asks for another step. By their type alone all steps look the same, and one would take another's result.
 */
export function remoteActivities(
  path: string,
  options: Pick<ActivityOptions, 'startToCloseTimeout' | 'scheduleToCloseTimeout'>,
): SegnoActivities & BatchActivities {
  return proxyActivities<SegnoActivities & BatchActivities>({
    ...options,
    ...(path.length <= longestActivityId && { activityId: path }),
    heartbeatTimeout: '10s',
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry,
  });
}

/** One try inside the workflow task; what fails retryably there goes on as a remote activity. */
export function quickActivities(timeoutMs: number): SegnoActivities {
  return proxyLocalActivities<SegnoActivities>({ startToCloseTimeout: timeoutMs, retry: { maximumAttempts: 1 } });
}

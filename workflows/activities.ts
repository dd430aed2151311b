import {
  ActivityCancellationType,
  proxyActivities,
  proxyLocalActivities,
  type ActivityOptions,
} from '@temporalio/workflow';
import type { SegnoActivities } from '../core/contracts.js';

/**
 * Temporal's attempts stay unlimited: waiting is a failed attempt too. Real attempts are counted in the ledger, and the
 * deadline bounds the whole.
 */
const retry = { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '30s' } as const;

export function remoteActivities(
  options: Pick<ActivityOptions, 'startToCloseTimeout' | 'scheduleToCloseTimeout'>,
): SegnoActivities {
  return proxyActivities<SegnoActivities>({
    ...options,
    heartbeatTimeout: '10s',
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry,
  });
}

/** One try inside the workflow task; what fails retryably there goes on as a remote activity. */
export function quickActivities(timeoutMs: number): SegnoActivities {
  return proxyLocalActivities<SegnoActivities>({ startToCloseTimeout: timeoutMs, retry: { maximumAttempts: 1 } });
}

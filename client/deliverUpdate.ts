import { setTimeout as delay } from 'node:timers/promises';
import { type Client, isGrpcServiceError, WorkflowUpdateRPCTimeoutOrCancelledError } from '@temporalio/client';

const attemptMs = 10_000;
const firstAttemptMs = 3_000;
const retryPauseMs = 500;
/** gRPC: DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, FAILED_PRECONDITION (workers too slow for the last workflow tasks), ABORTED, UNAVAILABLE. */
const transientCodes = [4, 8, 9, 10, 14];

export interface UpdateDelivery<Request> {
  update: string;
  request: Request;
  /** Repeated under one id, it counts once. */
  updateId: string;
  /** How long to wait for a worker to take it. */
  limitMs: number;
  /** Called once when none has within seconds. */
  onNoWorker?: (() => void) | undefined;
}

/**
 * Deliver an update until a worker has taken it.
 *
 * @param workflow without a `runId`, whichever execution runs
 * @throws what the update was refused with; the last transient failure (see {@link isUndelivered}) when the time is over
 */
export async function deliverUpdate<Result, Request>(
  temporal: Client,
  { workflowId, runId }: { workflowId: string; runId?: string },
  { update, request, updateId, limitMs, onNoWorker }: UpdateDelivery<Request>,
): Promise<Result> {
  const handle = temporal.workflow.getHandle(workflowId, runId);
  const deadline = Date.now() + limitMs;
  for (let attempt = 1; ; attempt += 1) {
    const until = Math.min(Date.now() + (attempt === 1 ? firstAttemptMs : attemptMs), deadline);
    try {
      return await temporal.connection.withDeadline(until, () =>
        handle.executeUpdate<Result, [Request]>(update, { args: [request], updateId }),
      );
    } catch (error) {
      if (!isUndelivered(error) || Date.now() >= deadline) throw error;
      if (attempt === 1) onNoWorker?.();
      await delay(Math.max(0, Math.min(retryPauseMs, deadline - Date.now())));
    }
  }
}

/** Whether a worker may still take it. */
export function isUndelivered(error: unknown): boolean {
  const { cause } = error as Error;
  return (
    (isGrpcServiceError(cause) && transientCodes.includes(cause.code)) ||
    error instanceof WorkflowUpdateRPCTimeoutOrCancelledError
  );
}

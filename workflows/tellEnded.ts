import {
  ApplicationFailure,
  isCancellation,
  proxySinks,
  type Sinks,
  TemporalFailure,
  workflowInfo,
} from '@temporalio/workflow';
import type { Ended, EndStatus } from '../core/ended.js';
import { formatTraceparent } from '../core/trace.js';
import { causeOf, typeOfTemporal } from './failure.js';
import { ownTrace, traceAbove } from './runTrace.js';

type Began = Pick<Ended, 'kind' | 'name' | 'key' | 'startedMs'>;

/** Of the worker; registered by workers/historyOptions.ts. */
interface WorkerSinks extends Sinks {
  segno: { ended(ended: Ended): void };
}

const { segno } = proxySinks<WorkerSinks>();

/**
 * Tell the worker, and not again when the history is replayed. Called where something ends: a promise put around it would settle later,
 * and runs recorded without it would come upon their steps in another order.
 */
export function tellEnded(ended: Began & Pick<Ended, 'status' | 'errorType'>): void {
  const { parent, unsafe, workflowId } = workflowInfo();
  if (unsafe.isReplaying) return;
  const above = traceAbove();
  segno.ended({
    ...ended,
    ...{ workflowId, root: parent === undefined, endedMs: Date.now(), trace: ownTrace() },
    ...(above && { above: formatTraceparent(above) }),
  });
}

/** Tell the worker how something ended that threw, unless that is no end: a bug, which is tried again, or an execution that goes on as new. */
export function tellFailed(began: Began, error: unknown): void {
  const end = endOf(error);
  if (end) tellEnded({ ...began, ...end });
}

function endOf(error: unknown): { status: EndStatus; errorType?: string } | undefined {
  if (isCancellation(error)) return { status: 'cancelled' };
  if (!(error instanceof TemporalFailure)) return undefined;
  const cause = causeOf(error);
  const errorType = cause instanceof ApplicationFailure ? cause.type : typeOfTemporal(cause);
  return { status: 'failed', ...(errorType != null && { errorType }) };
}

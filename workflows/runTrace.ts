import { workflowInfo } from '@temporalio/workflow';
import { memoKey, type RunMemo } from '../core/contracts.js';
import { formatTraceparent, parseTraceparent, runPlace, type TracePlace } from '../core/trace.js';

/** The span this run was started in: that of the workflow above it, or one its starter named. */
export function traceAbove(): TracePlace | undefined {
  const { trace } = (workflowInfo().memo?.[memoKey] as RunMemo | undefined) ?? {};
  return trace === undefined ? undefined : parseTraceparent(trace);
}

/** The span of this workflow: one for all its executions. */
export function ownTrace(): string {
  return formatTraceparent(runPlace(workflowInfo().firstExecutionRunId, traceAbove()));
}

import type {
  Client,
  WorkflowClient,
  WorkflowExecutionDescription,
  WorkflowExecutionInfo,
  WorkflowHandle,
} from '@temporalio/client';
import { memoKey, type RunMemo } from '../core/contracts.js';
import type { Queued } from '../core/places.js';
import {
  listMaps,
  listSteps,
  listWaiting,
  type Ledger,
  queuedPlaces,
  type StepSummary,
  type ToldWarning,
  usageOfRun,
  warnedBudgets,
} from '../ledger/index.js';
import type { RunningPattern } from '../core/patternLines.js';
import { approvalsOfRun, type WaitingApproval } from './approvals.js';
import { runFailure } from './runFailure.js';
import { runningPatterns } from './runningPatterns.js';
import {
  type RunMap,
  type RunStep,
  type RunWait,
  toRunMap,
  toRunStep,
  toRunWait,
  toUsage,
  type Usage,
} from './runSteps.js';

export type RunStatus = 'running' | 'completed' | 'failed' | 'cancelled' | 'terminated' | 'timed out' | 'unknown';

export interface RunSummary {
  id: string;
  runId: string;
  workflow: string;
  status: RunStatus;
  /** ISO 8601. */
  startedAt: string;
  closedAt?: string;
  durationMs: number;
  usage: Usage;
  /** It waits for the runs before it of its concurrency key. */
  queued?: Queued;
}

export interface RunDetails extends RunSummary {
  /** Without the items of maps. */
  steps: RunStep[];
  maps: RunMap[];
  /** Calls that wait at the gate, who has waited longest first. Absent without any. */
  waiting?: RunWait[];
  /** Why it ended without a result. */
  error?: { type: string; message: string; step?: string };
  /** The workflow's own code throws, or is not the code that made the history: Temporal tries it again and again. */
  stuck?: string;
  /** Thresholds its budgets have reached since it began; also of those it shares with other runs. Absent without any. */
  warnings?: (ToldWarning & { budget: string })[];
  /** What it waits for a person to decide; where it was asked for, as is the next. */
  approvals?: WaitingApproval[];
  /** Patterns under way, as far as a worker tells. */
  patterns?: RunningPattern[];
}

const statuses: Record<string, RunStatus> = {
  RUNNING: 'running',
  COMPLETED: 'completed',
  FAILED: 'failed',
  CANCELLED: 'cancelled',
  TERMINATED: 'terminated',
  TIMED_OUT: 'timed out',
  CONTINUED_AS_NEW: 'running',
};

/** The newest runs first; child workflows are part of their run and not listed. */
export async function listRuns(
  temporal: Client,
  ledger: Ledger,
  { limit = 20 }: { limit?: number },
): Promise<RunSummary[]> {
  const found: WorkflowExecutionInfo[] = [];
  for await (const info of temporal.workflow.list({ pageSize: Math.min(limit * 2, 200) })) {
    // An execution that continued as new is a part of the run that the execution after it stands for.
    if (info.parentExecution || !info.memo?.[memoKey] || info.status.name === 'CONTINUED_AS_NEW') continue;
    found.push(info);
    if (found.length >= limit) break;
  }
  const queued = await queuedPlaces(ledger, found.flatMap(placeOf));
  return Promise.all(
    found.map(async (info) => {
      // What is listed does not say which execution was the first.
      const description = await temporal.workflow.getHandle(info.workflowId, info.runId).describe();
      const summary = await summarize(description, await startOf(temporal.workflow, description), ledger);
      return withQueued(summary, queued, info);
    }),
  );
}

/** The id of its place, of a running run that asked for one. */
function placeOf({ status, memo }: Pick<WorkflowExecutionInfo, 'status' | 'memo'>): string[] {
  const place = (memo?.[memoKey] as RunMemo | undefined)?.place;
  return place && status.name === 'RUNNING' ? [place.id] : [];
}

function withQueued<Summary extends RunSummary>(
  summary: Summary,
  queued: ReadonlyMap<string, Queued>,
  info: Pick<WorkflowExecutionInfo, 'status' | 'memo'>,
): Summary {
  const waits = placeOf(info).flatMap((id) => queued.get(id) ?? [])[0];
  return waits ? { ...summary, queued: waits } : summary;
}

/** What a run is doing now, which its steps do not show. */
export async function underWay(
  temporal: Client,
  description: WorkflowExecutionDescription,
): Promise<Pick<RunDetails, 'approvals' | 'patterns'>> {
  if (description.status.name !== 'RUNNING') return {};
  const [approvals, patterns] = await Promise.all([
    approvalsOfRun(temporal, description),
    runningPatterns(temporal, description),
  ]);
  return { ...(approvals.length > 0 && { approvals }), ...(patterns.length > 0 && { patterns }) };
}

export async function describeRun(
  handle: WorkflowHandle,
  description: WorkflowExecutionDescription,
  ledger: Ledger,
): Promise<RunDetails> {
  const start = await startOf(handle.client, description);
  const [summary, steps, maps, queued, warnings, waiting] = await Promise.all([
    summarize(description, start, ledger),
    stepsOf(description, start, ledger),
    mapsOf(description, start, ledger),
    queuedPlaces(ledger, placeOf(description)),
    warnedBudgets(ledger, { scope: description.workflowId, since: start.at.toISOString() }),
    description.status.name === 'RUNNING' ? listWaiting(ledger, { scope: description.workflowId }) : [],
  ]);
  const waits = waiting.length > 0 && { waiting: waiting.map(toRunWait) };
  const warned = { ...summary, steps, maps, ...waits, ...(warnings.length > 0 && { warnings }) };
  const details: RunDetails = withQueued(warned, queued, description);
  if (summary.status === 'running') {
    const stuck = stuckReason(description);
    return stuck === undefined ? details : { ...details, stuck };
  }
  if (summary.status === 'completed') return details;
  return { ...details, error: await failureOf(handle) };
}

/** What a listed and a described execution have in common. */
type Execution = Pick<WorkflowExecutionInfo, 'workflowId' | 'runId' | 'type' | 'status' | 'startTime' | 'closeTime'>;

/** Where a run begins: with the first of its executions, if it continued as new. */
interface RunStart {
  continued: boolean;
  at: Date;
}

async function startOf(temporal: WorkflowClient, info: WorkflowExecutionDescription): Promise<RunStart> {
  const firstRunId = info.raw.workflowExecutionInfo?.firstRunId;
  if (!firstRunId || firstRunId === info.runId) return { continued: false, at: info.startTime };
  const first = await temporal.getHandle(info.workflowId, firstRunId).describe();
  return { continued: true, at: first.startTime };
}

async function summarize(info: Execution, start: RunStart, ledger: Ledger): Promise<RunSummary> {
  const period = {
    ...(!start.continued && { runId: info.runId }),
    startedAt: start.at.toISOString(),
    closedAt: info.closeTime?.toISOString(),
  };
  const usage = await usageOfRun(ledger, { scope: info.workflowId, period });
  const end = info.closeTime ?? new Date();
  return {
    id: info.workflowId,
    runId: info.runId,
    workflow: info.type,
    status: statuses[info.status.name] ?? 'unknown',
    startedAt: period.startedAt,
    ...(period.closedAt !== undefined && { closedAt: period.closedAt }),
    durationMs: end.getTime() - start.at.getTime(),
    usage: toUsage(usage),
  };
}

/** An id may have been used by earlier runs; their steps are not this one's. */
async function stepsOf(info: Execution, start: RunStart, ledger: Ledger): Promise<RunStep[]> {
  const within = ({ createdAt }: StepSummary): boolean =>
    createdAt >= start.at.toISOString() && (info.closeTime === undefined || createdAt <= info.closeTime.toISOString());
  const steps = await listSteps(ledger, { scope: info.workflowId, alone: true });
  return steps
    .filter((step) =>
      step.workflowId === info.workflowId && !start.continued ? step.runId === info.runId : within(step),
    )
    .map(toRunStep);
}

async function mapsOf(info: Execution, start: RunStart, ledger: Ledger): Promise<RunMap[]> {
  const period = { from: start.at.toISOString(), to: info.closeTime?.toISOString() };
  return (await listMaps(ledger, { scope: info.workflowId, period })).map(toRunMap);
}

function stuckReason({ raw }: WorkflowExecutionDescription): string | undefined {
  const attempt = raw.pendingWorkflowTask?.attempt ?? 0;
  return attempt > 3 ? `the workflow task has failed ${attempt - 1} times; the worker's log says why` : undefined;
}

async function failureOf(handle: WorkflowHandle): Promise<NonNullable<RunDetails['error']>> {
  try {
    await handle.result();
    return { type: 'Run.Failed', message: 'the run ended' };
  } catch (error) {
    const failure = runFailure(error, handle.workflowId) as {
      type?: string;
      message: string;
      details?: { step?: string };
    };
    const step = failure.details?.step;
    return { type: failure.type ?? 'Run.Failed', message: failure.message, ...(step !== undefined && { step }) };
  }
}

/**
 * Finds what waits for a person in running workflows, and delivers decisions to it.
 *
 * Invariants:
 * 1. Where an approval waits is read from memos, so it is found also while no worker runs.
 * 2. A decision's delivery is repeated under the same update id until a worker has taken it: it counts once.
 */
import {
  type Client,
  type WorkflowExecutionDescription,
  type WorkflowExecutionInfo,
  WorkflowUpdateFailedError,
} from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { RaiseAmounts } from '../core/admission/raise.js';
import {
  approvalMemoPrefix,
  type ApprovalRequest,
  decideUpdateName,
  type Decision,
  decisionFaults,
  type DecisionRequest,
} from '../core/approval.js';
import { memoKey, type RunContext } from '../core/contracts.js';
import { isErrorType, SegnoError } from '../core/errors.js';
import { hashJson } from '../ledger/index.js';
import { deliverUpdate, isUndelivered } from './deliverUpdate.js';

/** An approval that waits for a decision. */
export interface WaitingApproval extends ApprovalRequest {
  /** The run's id. */
  run: string;
  /** Its place in the structure of the workflow that waits: `parallel#1/legal/approval/publish#1`. */
  path: string;
  /** The workflow that waits: the run itself or a child of it. */
  workflowId: string;
  runId: string;
}

export interface DecideOptions {
  /** The approval's name, or its path. Default: the only one that waits. */
  name?: string;
  approved: boolean;
  /** Who decides. */
  by: string;
  comment?: string;
  /** One of the approval's choices, or what the person made of what was shown: JSON of at most 64,000 characters. */
  value?: unknown;
  /** By how much to raise the budget that the approval asks for; it is then the decision's `value`. */
  raise?: RaiseAmounts;
  /** How long to wait for a worker to take the decision. Default: until the approval expires. */
  timeoutMs?: number;
  /** Called once when no worker has taken the decision within seconds. */
  onNoWorker?: () => void;
}

/** Executions looked at for approvals. */
const mostExecutions = 2_000;
const mostFound = 500;
/** For a name that nothing waiting has: a worker is asked whether it was decided before. */
const askMs = 5_000;
/** All that waits now, oldest first; of one run or of all. @throws SegnoError `Run.Unknown` */
export async function listApprovals(temporal: Client, { run }: { run?: string } = {}): Promise<WaitingApproval[]> {
  const root = run === undefined ? undefined : await describe(temporal, run);
  return root && run !== undefined ? approvalsOfRun(temporal, root) : listed(temporal, 'ExecutionStatus = "Running"');
}

/** What `root`, as just described, and its running children wait for. */
export async function approvalsOfRun(temporal: Client, root: WorkflowExecutionDescription): Promise<WaitingApproval[]> {
  if (root.status.name !== 'RUNNING') return [];
  // Lists lag behind a little, the description does not.
  const own = approvalsIn(root);
  const quoted = root.workflowId.replace(/["\\]/g, '\\$&');
  const found = await listed(temporal, `ExecutionStatus = "Running" AND RootWorkflowId = "${quoted}"`);
  return [...own, ...found.filter(({ workflowId }) => workflowId !== root.workflowId)].sort(bySince);
}

async function listed(temporal: Client, query: string): Promise<WaitingApproval[]> {
  const found: WaitingApproval[] = [];
  let looked = 0;
  for await (const info of temporal.workflow.list({ query, pageSize: 500 })) {
    found.push(...approvalsIn(info));
    looked += 1;
    if (looked >= mostExecutions || found.length >= mostFound) break;
  }
  return found.sort(bySince);
}

function bySince(a: WaitingApproval, b: WaitingApproval): number {
  return a.since.localeCompare(b.since) || a.path.localeCompare(b.path);
}

function approvalsIn({
  memo,
  workflowId,
  runId,
}: Pick<WorkflowExecutionInfo, 'memo' | 'workflowId' | 'runId'>): WaitingApproval[] {
  const run = (memo?.[memoKey] as RunContext | undefined)?.scope ?? workflowId;
  return Object.entries(memo ?? {}).flatMap(([key, request]) =>
    key.startsWith(approvalMemoPrefix)
      ? [{ run, path: key.slice(approvalMemoPrefix.length), ...(request as ApprovalRequest), workflowId, runId }]
      : [],
  );
}

/**
 * Decide what the run waits for.
 *
 * @returns the decision as it stands in the run's history; for the same decision given again, the first one
 * @throws SegnoError `Run.Unknown`; `Approval.Unknown`, `Approval.AlreadyDecided`, `Approval.Expired`,
 *   `Approval.InvalidDecision`, `Approval.Undelivered`
 */
export async function decideApproval(
  temporal: Client,
  run: string,
  { name, timeoutMs, onNoWorker, raise, ...given }: DecideOptions,
): Promise<Decision> {
  const answer = { ...given, ...(raise && { value: raise }) };
  const root = await describe(temporal, run);
  if (root.status.name !== 'RUNNING') {
    throw new SegnoError(
      'Approval.Unknown',
      `the run ${run} has ended (${root.status.name.toLowerCase()}) and waits for nothing; segno show ${run}`,
    );
  }
  const waiting = await approvalsOfRun(temporal, root);
  const target = choose(waiting, run, name);
  if (target) {
    const faults = [
      ...(raise && !target.raise ? ['raise: it asks for no budget'] : []),
      ...decisionFaults(target, { approval: target.path, ...answer }),
    ];
    if (faults.length > 0) throw new SegnoError('Approval.InvalidDecision', `${target.name}: ${faults.join('; ')}`);
    const leftMs = Math.max(Date.parse(target.until) - Date.now(), 0) + askMs;
    const place = { workflowId: target.workflowId, runId: target.runId };
    return deliver(
      temporal,
      place,
      { approval: target.path, ...answer },
      Math.min(timeoutMs ?? leftMs, leftMs),
      onNoWorker,
    );
  }
  try {
    const place = { workflowId: run, runId: root.runId };
    return await deliver(temporal, place, { approval: name!, ...answer }, Math.min(timeoutMs ?? askMs, askMs));
  } catch (error) {
    const lost = error instanceof SegnoError && ['Approval.Unknown', 'Approval.Undelivered'].includes(error.type);
    throw lost ? unknown(run, waiting, name) : error;
  }
}

/** @returns undefined for a name that none has @throws SegnoError `Approval.Unknown` */
function choose(
  waiting: readonly WaitingApproval[],
  run: string,
  name: string | undefined,
): WaitingApproval | undefined {
  const named = waiting.filter(
    (approval) => name === undefined || [approval.name, approval.path, addressOf(approval)].includes(name),
  );
  if (named.length === 1) return named[0];
  if (named.length > 1 || name === undefined) throw unknown(run, named, name);
  return undefined;
}

/** What tells an approval from all others of its run. */
function addressOf({ run, workflowId, path }: WaitingApproval): string {
  return workflowId === run ? path : `${workflowId}/${path}`;
}

function unknown(run: string, waiting: readonly WaitingApproval[], name: string | undefined): SegnoError {
  if (waiting.length === 0) return new SegnoError('Approval.Unknown', `the run ${run} waits for no approval now`);
  const names = waiting.map((approval) => approval.name);
  const unique = new Set(names).size === names.length;
  const told = (unique ? names : waiting.map(addressOf)).slice(0, 20).join(', ');
  const which = name === undefined ? 'say which' : unique ? `none is named ${name}` : `${name} is the name of several`;
  return new SegnoError(
    'Approval.Unknown',
    `the run ${run} waits for ${waiting.length === 1 ? 'one approval' : `${waiting.length} approvals`}, ${which}: ${told}`,
  );
}

async function deliver(
  temporal: Client,
  place: { workflowId: string; runId: string },
  answer: DecisionRequest,
  limitMs: number,
  onNoWorker?: () => void,
): Promise<Decision> {
  try {
    return await deliverUpdate<Decision, DecisionRequest>(temporal, place, {
      update: decideUpdateName,
      request: answer,
      updateId: `segno-${hashJson(answer)}`,
      limitMs,
      onNoWorker,
    });
  } catch (error) {
    const refused = refusal(error, answer);
    if (refused instanceof SegnoError) throw refused;
    return refused;
  }
}

/** What a delivery that threw means; the same decision given before is as good as delivered. */
function refusal(error: unknown, answer: DecisionRequest): SegnoError | Decision {
  if (error instanceof WorkflowUpdateFailedError) {
    const { cause } = error;
    const known = cause instanceof ApplicationFailure && isErrorType(cause.type) ? cause.type : undefined;
    const before = cause instanceof ApplicationFailure ? (cause.details?.[0] as { decision?: Decision }) : undefined;
    if (known === 'Approval.AlreadyDecided' && before?.decision && isSame(before.decision, answer))
      return before.decision;
    return new SegnoError(known ?? 'Approval.Unknown', cause?.message ?? error.message, { cause: error });
  }
  if ((error as Error).name === 'WorkflowNotFoundError') {
    return new SegnoError('Approval.Unknown', 'the workflow that waited has ended in the meantime', { cause: error });
  }
  if (!isUndelivered(error)) throw error;
  return new SegnoError('Approval.Undelivered', 'no worker has taken the decision; is one running?', { cause: error });
}

function isSame({ decidedAt: _, ...before }: Decision, { approval: __, ...answer }: DecisionRequest): boolean {
  return hashJson(before) === hashJson(answer);
}

async function describe(temporal: Client, id: string): Promise<WorkflowExecutionDescription> {
  try {
    return await temporal.workflow.getHandle(id).describe();
  } catch (error) {
    if ((error as Error).name !== 'WorkflowNotFoundError') throw error;
    throw new SegnoError('Run.Unknown', `there is no run ${id}; \`segno runs\` lists the runs`);
  }
}

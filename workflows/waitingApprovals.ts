/**
 * The approvals this execution waits for, and the update that decides them.
 *
 * Invariants:
 * 1. The first decision stands. Validator and handler are synchronous and run without a break between them: what was let
 *    through is the decision.
 * 2. A waiting approval is in the execution's memo, from which it is read also while no worker runs.
 */
import { ApplicationFailure, defineUpdate, setHandler, upsertMemo } from '@temporalio/workflow';
import {
  approvalMemoPrefix,
  type ApprovalRequest,
  type Decision,
  decideUpdateName,
  decisionFaults,
  type DecisionRequest,
  mostWaiting,
} from '../core/approval.js';
import type { ErrorType } from '../core/errors.js';
import { fail } from './failure.js';

export interface WaitingApproval {
  readonly decision: Decision | undefined;
}

interface Waiting extends WaitingApproval {
  readonly request: ApprovalRequest;
  decision: Decision | undefined;
}

/** Why an approval no longer waits, for those who answer late. */
interface Ended {
  readonly name: string;
  readonly type: ErrorType;
  readonly why: string;
  readonly decision?: Decision | undefined;
}

/** Late answers are told why for so many approvals; after that they are unknown. */
const rememberedEnds = 100;

const decideUpdate = defineUpdate<Decision, [DecisionRequest]>(decideUpdateName);
const waiting = new Map<string, Waiting>();
const ended = new Map<string, Ended>();
let answering = false;

/** @throws ApplicationFailure `Pattern.InvalidSteps` when the execution waits for too many */
export function openApproval(path: string, request: ApprovalRequest): WaitingApproval {
  if (waiting.size >= mostWaiting) {
    throw fail(
      'Pattern.InvalidSteps',
      `${path}: a workflow waits for at most ${mostWaiting} approvals at once; ask for several things in one`,
      path,
    );
  }
  const approval: Waiting = { request, decision: undefined };
  waiting.set(path, approval);
  upsertMemo({ [memoName(path)]: request });
  if (!answering) {
    answering = true;
    setHandler(decideUpdate, decide, { validator: check });
  }
  return approval;
}

/** @param type why it ends without a decision */
export function closeApproval(path: string, type: 'Approval.Expired' | 'Approval.Unknown'): void {
  const approval = waiting.get(path);
  if (!approval) return;
  waiting.delete(path);
  upsertMemo({ [memoName(path)]: null });
  ended.set(path, endOf(approval, type));
  for (const [oldest] of ended) {
    if (ended.size <= rememberedEnds) break;
    ended.delete(oldest);
  }
}

function endOf({ request, decision }: Waiting, type: 'Approval.Expired' | 'Approval.Unknown'): Ended {
  const { name, until } = request;
  if (decision) return decidedBefore(name, decision);
  const why =
    type === 'Approval.Expired' ? `${name} has expired: it waited until ${until}` : `${name} is no longer needed`;
  return { name, type, why };
}

function decidedBefore(name: string, decision: Decision): Ended {
  const what = decision.approved ? 'approved' : 'rejected';
  const why = `${name} was ${what} by ${decision.by} at ${decision.decidedAt}, and the first decision stands`;
  return { name, type: 'Approval.AlreadyDecided', why, decision };
}

/** @throws ApplicationFailure `Approval.Unknown`, `Approval.AlreadyDecided`, `Approval.Expired`, `Approval.InvalidDecision` */
function check(answer: DecisionRequest): void {
  const [, approval] = find(answer.approval);
  if (approval.decision) throw refusal(decidedBefore(approval.request.name, approval.decision));
  const faults = decisionFaults(approval.request, answer);
  if (faults.length > 0) throw fail('Approval.InvalidDecision', faults.join('; '));
}

function decide(answer: DecisionRequest): Decision {
  const [, waits] = find(answer.approval);
  const { approved, by, comment, value } = answer;
  waits.decision = {
    approved,
    by,
    ...(comment !== undefined && { comment }),
    ...(value !== undefined && { value }),
    decidedAt: new Date().toISOString(),
  };
  return waits.decision;
}

/** By its path, or by a name that only one has. */
function find(approval: string): [path: string, Waiting] {
  const exact = waiting.get(approval);
  if (exact) return [approval, exact];
  const named = [...waiting].filter(([, { request }]) => request.name === approval);
  const [only] = named;
  if (only && named.length === 1) return only;
  if (named.length > 1) {
    throw fail(
      'Approval.Unknown',
      `${named.length} approvals are named ${approval}; name one of ${list(named.map(([path]) => path))}`,
    );
  }
  const before = ended.get(approval) ?? [...ended.values()].reverse().find(({ name }) => name === approval);
  if (before) throw refusal(before);
  const there = waiting.size === 0 ? 'none at all' : list([...waiting.keys()]);
  throw fail('Approval.Unknown', `this workflow waits for no approval ${String(approval)}; it waits for ${there}`);
}

function refusal({ type, why, decision }: Ended): ApplicationFailure {
  return ApplicationFailure.create({
    type,
    message: why,
    nonRetryable: true,
    ...(decision && { details: [{ decision }] }),
  });
}

const listed = 10;

function list(paths: string[]): string {
  const more = paths.length > listed ? ` and ${paths.length - listed} more` : '';
  return `${paths.slice(0, listed).join(', ')}${more}`;
}

function memoName(path: string): string {
  return `${approvalMemoPrefix}${path}`;
}

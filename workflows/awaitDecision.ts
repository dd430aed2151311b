import { condition } from '@temporalio/workflow';
import type { ApprovalRequest, Decision } from '../core/approval.js';
import type { Deadline } from './deadline.js';
import { closeApproval, openApproval } from './waitingApprovals.js';

/**
 * Wait at `path` for what a person decides.
 *
 * @returns undefined when nobody has decided in time
 */
export async function awaitDecision(
  path: string,
  asked: Omit<ApprovalRequest, 'since' | 'until'>,
  deadline: Deadline,
): Promise<Decision | undefined> {
  const until = new Date(deadline.atMs).toISOString();
  const waiting = openApproval(path, { ...asked, since: new Date().toISOString(), until });
  let expired = false;
  try {
    await condition(() => waiting.decision !== undefined, deadline.leftMs);
    // The deadline and a decision may come with one and the same activation: whoever was told "decided" is right.
    expired = waiting.decision === undefined;
  } finally {
    closeApproval(path, expired ? 'Approval.Expired' : 'Approval.Unknown');
  }
  return waiting.decision;
}

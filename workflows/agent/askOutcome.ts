import { workflowInfo } from '@temporalio/workflow';
import type { RunToolRequest } from '../../core/contracts.js';
import { isOutcomeAnswer, type OutcomeResolution, type UnknownOutcome } from '../../core/outcome.js';
import { awaitDecision } from '../awaitDecision.js';
import { Deadline } from '../deadline.js';
import { fail } from '../failure.js';
import { branchPath } from '../scope.js';

const longestWaitMs = 7 * 24 * 3_600_000;

/**
 * Ask a person what became of a call whose outcome was lost. It waits for seven days, or until the workflow's own time is over.
 *
 * @throws ApplicationFailure `Tool.OutcomeUnknown` when nobody answers
 */
export async function askOutcome(
  { tool, path }: RunToolRequest,
  { epoch, sentAt, idempotencyKey, input, fault }: UnknownOutcome,
): Promise<OutcomeResolution> {
  const endsAtMs = workflowInfo().executionExpirationTime?.getTime() ?? Number.POSITIVE_INFINITY;
  const deadline = Deadline.at(Math.min(Date.now() + longestWaitMs, endsAtMs));
  const asked = {
    name: tool,
    title: `Did ${tool} take effect? It was called at ${sentAt}, and its outcome was lost.`,
    detail: { ...(fault !== undefined && { fault }), step: path, input, sentAt, idempotencyKey },
    outcomeOf: path,
  };
  const decision = await awaitDecision(branchPath(path, 'outcome'), asked, deadline);
  if (!decision) throw fail('Tool.OutcomeUnknown', `${path}: nobody said in time whether it took effect`, path);
  const { approved, value, by } = decision;
  return { answer: approved && isOutcomeAnswer(value) ? value : 'fail', by, epoch };
}

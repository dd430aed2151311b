import { ActivityFailure, ApplicationFailure, TimeoutFailure } from '@temporalio/workflow';
import type { RunToolRequest, RunToolResult, ToolPolicy } from '../../core/contracts.js';
import { quickToolLimitMs } from '../../core/limits.js';
import { quickActivities, remoteActivities } from '../activities.js';
import type { Deadline } from '../deadline.js';
import { fail, stepFailure } from '../failure.js';

/**
 * Run a tool the way its policy says.
 *
 * A quick tool gets one try inside the workflow task. If that try fails retryably or takes too long, the same step goes on
 * as a remote activity under the same key: what has been recorded by then is returned, never done again.
 */
export async function callTool(
  request: RunToolRequest,
  policy: ToolPolicy | undefined,
  deadline: Deadline,
): Promise<RunToolResult> {
  if (deadline.leftMs === 0) throw fail('Tool.DeadlineExceeded', `${request.path} had no time left`, request.path);
  try {
    const known = policy ?? { quick: true, timeoutMs: quickToolLimitMs };
    if (!known.quick) return await runRemote(request, known, deadline);
    const tried = await tryQuick(policy ? request : { ...request, onlyQuick: true }, known.timeoutMs);
    if (tried === 'go remote') return await runRemote(request, known, deadline);
    const ran = tried.policy === undefined || tried.policy.quick;
    return ran ? tried : { ...(await runRemote(request, tried.policy!, deadline)), policy: tried.policy! };
  } catch (error) {
    throw stepFailure(error, request.path, 'Tool.DeadlineExceeded');
  }
}

async function tryQuick(request: RunToolRequest, timeoutMs: number): Promise<RunToolResult | 'go remote'> {
  try {
    return await quickActivities(timeoutMs).runTool(request);
  } catch (error) {
    const cause = error instanceof ActivityFailure ? error.cause : undefined;
    const retryable = cause instanceof TimeoutFailure || (cause instanceof ApplicationFailure && !cause.nonRetryable);
    if (!retryable) throw error;
    return 'go remote';
  }
}

function runRemote(request: RunToolRequest, policy: ToolPolicy, deadline: Deadline): Promise<RunToolResult> {
  const leftMs = deadline.leftMs;
  // A quick tool that goes remote was slower than it said, or is waiting for its first try to end: give it room.
  const attemptMs = policy.quick ? 10_000 : policy.timeoutMs;
  return remoteActivities({
    startToCloseTimeout: Math.min(attemptMs, leftMs),
    scheduleToCloseTimeout: leftMs,
  }).runTool(request);
}

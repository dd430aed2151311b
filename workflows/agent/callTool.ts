import { ActivityFailure, ApplicationFailure, CancellationScope, TimeoutFailure } from '@temporalio/workflow';
import type { RunToolRequest, RunToolResult, ToolPolicy } from '../../core/contracts.js';
import { quickToolLimitMs } from '../../core/limits.js';
import { quickActivities, remoteActivities } from '../activities.js';
import { Deadline } from '../deadline.js';
import { fail, stepFailure } from '../failure.js';
import { countRepetitions, sagasAround } from '../scope.js';
import { inTurn } from './inTurn.js';
import { askOutcome } from './askOutcome.js';
import { inQuickSlot } from './quickSlots.js';

/** The activity ends a tool at its own limit; the server's is for a tool that does not listen. */
const attemptMarginMs = 2_000;
/** Beyond the tool's own limit: the grace of a tool that does not listen, and two visits to a ledger that may be busy. */
const quickMarginMs = 2_000;
/** A quick tool that goes remote was slower than it said, or waits for its first try to end. */
const quickGoneRemoteMs = 10_000;

/**
 * Run a tool the way its policy says.
 *
 * A quick tool gets one try inside the workflow task. If that try fails retryably or takes too long, the same step goes on
 * as a remote activity under the same key: what has been recorded by then is returned, never done again. A tool that turns
 * out to be a long one (nobody had asked yet, or a deploy made it one) answers with its policy and has not run.
 *
 * @param learn told the policy as soon as the worker has said it
 * @returns also `askedMs`, how long a person was asked what became of it: the call's deadline is later by so much
 */
export async function callTool(
  request: RunToolRequest,
  policy: ToolPolicy | undefined,
  deadline: Deadline,
  learn: (policy: ToolPolicy) => void = () => undefined,
): Promise<RunToolResult & { askedMs: number }> {
  let ran = await callOnce(request, policy, deadline, learn);
  let askedMs = 0;
  while (ran.unknown) {
    const askedAtMs = Date.now();
    const resolution = await askOutcome(request, ran.unknown);
    askedMs += Date.now() - askedAtMs;
    ran = await callOnce({ ...request, resolution }, policy, Deadline.at(deadline.atMs + askedMs), learn);
  }
  for (const { notes } of sagasAround()) notes.push(request.path);
  return { ...ran, askedMs };
}

async function callOnce(
  request: RunToolRequest,
  policy: ToolPolicy | undefined,
  deadline: Deadline,
  learn: (policy: ToolPolicy) => void,
): Promise<RunToolResult> {
  if (deadline.leftMs === 0) throw fail('Tool.DeadlineExceeded', `${request.path} had no time left`, request.path);
  try {
    if (policy && !policy.quick) {
      return unlessBlocked(await runRemote(request, policy.timeoutMs + attemptMarginMs, deadline), request);
    }
    const remote = () => runRemote({ ...request, onlyQuick: true }, quickGoneRemoteMs, deadline);
    const tried = await inQuickSlot({
      quick: () => tryQuick(policy ? request : { ...request, onlyQuick: true }, policy?.timeoutMs ?? quickToolLimitMs),
      remote,
    });
    const ran = tried ?? (await remote());
    if (ran.policy) learn(ran.policy);
    if (ran.policy === undefined || ran.policy.quick) return unlessBlocked(ran, request);
    return unlessBlocked(await runRemote(request, ran.policy.timeoutMs + attemptMarginMs, deadline), request);
  } catch (error) {
    throw stepFailure(error, request.path, 'Tool.DeadlineExceeded');
  }
}

/** The step is done, and stays so: its effect took place. */
function unlessBlocked(ran: RunToolResult, { path }: RunToolRequest): RunToolResult {
  if (ran.blocked !== undefined) throw fail('Guardrail.Blocked', ran.blocked, path);
  return ran;
}

function counted(ran: RunToolResult): RunToolResult {
  countRepetitions((ran.attempts ?? 1) - 1);
  return ran;
}

/**
 * A quick step is not cancelled once it has begun: its end is near, and the SDK fails the workflow task, at every try, when a
 * local activity is cancelled in the activation that has scheduled it ("Invalid transition in state machine").
 *
 * @returns undefined when the call has to go on as a remote activity
 */
async function tryQuick(request: RunToolRequest, timeoutMs: number): Promise<RunToolResult | undefined> {
  const scope = CancellationScope.current();
  if (scope.consideredCancelled) await scope.cancelRequested;
  try {
    const { runTool } = quickActivities(timeoutMs + quickMarginMs);
    return counted(await CancellationScope.nonCancellable(() => inTurn(runTool(request))));
  } catch (error) {
    // A local activity's failure comes as it is, its time-out as the cause of another.
    const cause = error instanceof ActivityFailure ? error.cause : error;
    const retryable = cause instanceof TimeoutFailure || (cause instanceof ApplicationFailure && !cause.nonRetryable);
    if (!retryable) throw error;
    return undefined;
  }
}

async function runRemote(request: RunToolRequest, attemptMs: number, deadline: Deadline): Promise<RunToolResult> {
  const { leftMs } = deadline;
  return counted(
    await remoteActivities(request.path, {
      startToCloseTimeout: Math.min(attemptMs, leftMs),
      scheduleToCloseTimeout: leftMs,
    }).runTool(request),
  );
}

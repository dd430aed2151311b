/**
 * What becomes of a call of a tool that may take effect only once and whose outcome was lost: what a person has said of it, else what
 * the tool's `reconcile` says, else what its `onUnknown` wants.
 *
 * Invariants:
 * 1. The step leaves the state `unknown` in one write, together with the result it has then.
 * 2. A person's word is about the attempt that was lost, and is taken once: what is lost after it is unknown anew.
 * 3. An attempt either asks or calls: each gets the whole time of an attempt. None of it happens inside a workflow task.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { ApplicationFailure, Context } from '@temporalio/activity';
import type { RunToolResult } from '../../core/contracts.js';
import { SegnoError } from '../../core/errors.js';
import type { OutcomeAnswer, OutcomeResolution } from '../../core/outcome.js';
import type { Reconciled, ToolDefinition } from '../../core/tool.js';
import { putBlob, readUnknownStep, resolveStep, type UnknownStep } from '../../ledger/index.js';
import { patiently } from '../patiently.js';
import { checkedOutput, runToolCode, type ToolExecution } from './executeTool.js';
import type { Conclude } from './outcome.js';
import { toolPolicy } from './toolPolicy.js';

export interface UnknownCall extends ToolExecution {
  conclude: Conclude;
  resolution: OutcomeResolution | undefined;
  /** Nobody can wait for an answer here. */
  mayAsk: boolean;
}

/** A look-up may take longer than a quick tool's call. */
const leastReconcileMs = 8_000;
const mostTries = 3;
const pauseMs = 200;

/** Whether a lost outcome may still be settled by this tool, or the call has failed with it. */
export function settles(tool: ToolDefinition | undefined): boolean {
  return tool !== undefined && (tool.reconcile !== undefined || (tool.onUnknown ?? 'fail') !== 'fail');
}

/** `error`, to be tried again at once: the next attempt settles it. */
export function settledNext(error: SegnoError): SegnoError {
  const { message, details } = error;
  const options = { retryable: true, retryAfterMs: 1, cause: error, ...(details && { details }) };
  return new SegnoError('Tool.OutcomeUnknown', message, options);
}

/**
 * @param lost what the call fails with when nobody knows
 * @returns what the call came to, or the question to a person
 * @throws SegnoError `Tool.OutcomeUnknown`: retryable when the call may be made now; what reconcile throws retryably
 */
export async function settleUnknown(call: UnknownCall, lost: SegnoError): Promise<RunToolResult> {
  const { ledger, step, tool } = call;
  const row = await readUnknownStep(ledger, step.key);
  if (!row) throw settledNext(lost);
  if (Context.current().info.isLocal) throw settles(tool) || row.said ? settledNext(lost) : lost;
  const said = row.said ?? (call.resolution?.epoch === row.epoch ? call.resolution : undefined);
  if (said) {
    const fault = faultOf(call, said.answer);
    if (fault === undefined) return apply(call, row, said.answer, said.by, lost);
    const message = `the output that ${said.by} gave is not what ${call.name} returns: ${fault}`;
    if (row.said) throw new SegnoError('Tool.OutcomeUnknown', message, { details: { key: step.key } });
    return question(row, fault);
  }
  const answer = tool.reconcile ? await reconcile(call, row.idempotencyKey) : { status: 'unknown' as const };
  if (answer.status === 'done') return apply(call, row, { done: answer.output }, 'reconcile', lost);
  if (answer.status === 'notDone') return apply(call, row, 'repeat', 'reconcile', lost);
  if (tool.onUnknown === 'repeat') return apply(call, row, 'repeat', 'onUnknown', lost);
  if (tool.onUnknown === 'ask' && call.mayAsk) return question(row);
  const why = 'why' in answer && answer.why !== undefined ? ` (reconcile: ${answer.why})` : '';
  throw new SegnoError('Tool.OutcomeUnknown', `${lost.message}${why}`, { cause: lost, details: { key: step.key } });
}

async function apply(
  call: UnknownCall,
  { epoch }: UnknownStep,
  answer: OutcomeAnswer,
  by: string,
  lost: SegnoError,
): Promise<RunToolResult> {
  const { ledger, name, tool, step } = call;
  const { key, tenant, scope } = step;
  const resolve = async (resolution: Parameters<typeof resolveStep>[1]['resolution']): Promise<void> => {
    if (!(await patiently(() => resolveStep(ledger, { key, resolution, by, epoch })))) throw settledNext(lost);
  };
  if (answer === 'repeat') {
    await resolve({ repeat: true });
    throw settledNext(
      new SegnoError('Tool.OutcomeUnknown', `${name} is called again: its call took no effect (${by})`),
    );
  }
  try {
    const { result, blobs } = await call.conclude(() => {
      if (answer === 'fail') throw new SegnoError('Tool.Failed', `${name} failed, ${by} says`, { retryable: false });
      return Promise.resolve(checkedOutput(name, tool, answer.done));
    });
    for (const blob of blobs) await patiently(() => putBlob(ledger, { tenant, scope, ...blob }));
    await resolve({ done: result });
    call.metrics.stepsEnded('tool', 'done');
    return result;
  } catch (error) {
    if (answer !== 'fail' || !(error instanceof SegnoError) || error.type !== 'Tool.Failed') throw error;
    const { type, message, retryable } = error;
    await resolve({ failed: { type, message, retryable } });
    call.metrics.stepsEnded('tool', 'failed');
    throw error;
  }
}

function faultOf({ name, tool }: UnknownCall, answer: OutcomeAnswer): string | undefined {
  if (typeof answer === 'string') return undefined;
  try {
    checkedOutput(name, tool, answer.done);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function question({ epoch, sentAt, idempotencyKey, input }: UnknownStep, fault?: string): RunToolResult {
  const { text, sha256, bytes } = input;
  const shown: unknown = text === null ? { sha256, bytes } : JSON.parse(text);
  return { unknown: { epoch, sentAt, idempotencyKey, input: shown, ...(fault !== undefined && { fault }) } };
}

/** What throws something unnamed is asked a few times; a named, retryable failure (a server that is away) as long as time allows. */
async function reconcile(
  call: UnknownCall,
  idempotencyKey: string,
): Promise<Reconciled | { status: 'unknown'; why?: string }> {
  const { tool, input } = call;
  const execution = { ...call, step: { ...call.step, idempotencyKey } };
  const limitMs = Math.max(toolPolicy(tool).timeoutMs, leastReconcileMs);
  for (let tried = 1; ; tried += 1) {
    try {
      return await runToolCode(execution, (context) => tool.reconcile!(input, context), limitMs);
    } catch (error) {
      const named = error instanceof SegnoError;
      if (named && error.retryable) throw error;
      const final = named || (error instanceof ApplicationFailure && error.nonRetryable === true);
      if (final || tried >= mostTries)
        return { status: 'unknown', why: (error instanceof Error ? error.message : String(error)).slice(0, 500) };
      await delay(pauseMs * tried);
    }
  }
}

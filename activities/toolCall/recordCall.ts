import { Context } from '@temporalio/activity';
import type { RunToolRequest, RunToolResult } from '../../core/contracts.js';
import { SegnoError } from '../../core/errors.js';
import type { ToolDefinition } from '../../core/tool.js';
import {
  type Begun,
  beginStep,
  type BeginStepResult,
  failStep,
  findStep,
  finishStep,
  hashJson,
  putBlob,
  recordPureStep,
  reuseStep,
} from '../../ledger/index.js';
import { type ActivityDependencies, currentStep, type StepIdentity } from '../dependencies.js';
import { detailOf } from '../guardrails/findings.js';
import { guardOfTool } from '../guardrails/guards.js';
import { fencedOff, patiently } from '../patiently.js';
import { classifyToolError } from './classifyToolError.js';
import { keptInput } from './keptInput.js';
import type { Conclude, Outcome } from './outcome.js';
import { settledNext, settles, settleUnknown } from './settleUnknown.js';
import { toolDefinitionHash } from './toolDefinitionHash.js';
import { safetyOf, toolPolicy } from './toolPolicy.js';

/** A call of a tool, or the answer to one that is none. */
export interface CallToRecord {
  request: RunToolRequest;
  /** Absent: `run` only answers. */
  tool?: ToolDefinition;
  /** As it was given; and as the tool's code gets it. */
  input: unknown;
  parsed?: unknown;
  /** As the ledger may keep it. */
  kept?: unknown;
  deps?: unknown;
  /** @param attempts real ones so far, this one included */
  run(step: StepIdentity, attempts: number): Promise<unknown>;
  conclude: Conclude;
}

/** What becomes of a step whose last attempt fails with `error`. */
export function endOf({ type }: SegnoError): 'failed' | 'unknown' {
  return type === 'Tool.OutcomeUnknown' ? 'unknown' : 'failed';
}

/** What an attempt may take beyond the tool's own time limit: writing the result. */
export const leaseMarginMs = 5_000;

/**
 * The step protocol around one call of a tool.
 *
 * Invariants:
 * 1. A finished call returns what was recorded; the tool does not run again.
 * 2. A tool with effects is `sent` in the ledger before it runs. A pure quick one is written once, when it is done.
 * 3. What the tool threw is recorded. What was thrown after it is not: the effect stands and only its record is missing, so
 *    the row stays `sent` for the next attempt to find.
 * 4. An attempt that finds the outcome of the one before it unknown settles that (settleUnknown.ts), and does nothing else.
 */
export function createRecordCall({
  config,
  ledger,
  metrics,
  owner,
}: Pick<ActivityDependencies, 'config' | 'ledger' | 'metrics' | 'owner'>) {
  return async function recordCall(call: CallToRecord): Promise<RunToolResult> {
    const { request, tool, input } = call;
    const current = currentStep(request);
    const identity = {
      ...current,
      kind: 'tool' as const,
      name: request.tool,
      definitionHash: tool ? toolDefinitionHash(request.tool, tool, guardOfTool(config, tool)) : 'none',
      fingerprint: hashJson([request.tool, input ?? null]),
      owner,
      safety: safetyOf(tool),
    };
    const reuse = current.predecessorKey ? await reuseStep(ledger, identity, current.predecessorKey) : {};
    if (reuse.recorded) return reuse.recorded.result as RunToolResult;
    const { idempotencyKey = current.idempotencyKey } = reuse;
    const step = { ...current, idempotencyKey };
    const { quick, timeoutMs } = toolPolicy(tool);
    const begin = async () => {
      const effect = await keptInput(ledger, step, tool, call.kept);
      return beginStep(ledger, { ...identity, idempotencyKey, leaseMs: timeoutMs + leaseMarginMs, effect });
    };
    return quick && identity.safety === 'pure' && step.attempt === 0 ? recordOnce() : recordTwice();

    /** A try that fails is begun after all, so that it counts and is seen. */
    async function recordOnce(): Promise<RunToolResult> {
      const found = await findStep(ledger, identity.key, identity.fingerprint);
      if (found) return found.result as RunToolResult;
      let outcome: Outcome;
      try {
        outcome = await call.conclude(() => call.run(step, 1));
      } catch (error) {
        const begun = await begin();
        if (begun.status === 'done') return begun.result as RunToolResult;
        throw await failed(begun.epoch, error);
      }
      if (outcome.error !== undefined) {
        const begun = await begin();
        return begun.status === 'done' ? (begun.result as RunToolResult) : finished(begun, outcome);
      }
      const recorded = await patiently(async () => {
        // The message must be there before the step says so.
        for (const blob of outcome.blobs) await putBlob(ledger, { tenant: step.tenant, scope: step.scope, ...blob });
        return recordPureStep(ledger, { ...identity, result: outcome.result, ...detailOf(outcome.findings) });
      });
      metrics.stepsEnded('tool', 'done');
      return recorded.result as RunToolResult;
    }

    async function recordTwice(): Promise<RunToolResult> {
      let begun: BeginStepResult;
      try {
        begun = await begin();
      } catch (error) {
        if (!tool || !(error instanceof SegnoError) || error.type !== 'Tool.OutcomeUnknown') throw error;
        const { parsed, deps, conclude } = call;
        const unknown = { ledger, metrics, name: request.tool, tool, input: parsed, deps, step, conclude };
        return settleUnknown({ ...unknown, resolution: request.resolution, mayAsk: true }, error);
      }
      if (begun.status === 'done') return begun.result as RunToolResult;
      const { epoch, attempts } = begun;
      let outcome: Outcome;
      try {
        outcome = await call.conclude(() => call.run(step, attempts));
      } catch (error) {
        throw await failed(epoch, error);
      }
      return finished({ epoch, attempts }, outcome);
    }

    async function finished(
      { epoch, attempts }: Pick<Begun, 'epoch' | 'attempts'>,
      { result, blobs, error, findings }: Outcome,
    ): Promise<RunToolResult> {
      const { detail } = detailOf(findings);
      const said = error === undefined ? detail : { error, ...detail };
      const ended = { result, blobs, ...(said && { detail: said }) };
      const { fenced } = await patiently(() => finishStep(ledger, { key: step.key, epoch, owner, ...ended }));
      if (fenced) throw fencedOff(step.key);
      metrics.stepsEnded('tool', 'done');
      return attempts > 1 ? { ...result, attempts } : result;
    }

    async function failed(epoch: number, thrown: unknown): Promise<SegnoError> {
      const error = thrown instanceof SegnoError ? thrown : classifyToolError(request.tool, identity.safety, thrown);
      await patiently(() => failStep(ledger, { key: step.key, epoch, owner, error }));
      // A run that is cancelled asks nobody any more.
      const ends = error.type !== 'Tool.OutcomeUnknown' || Context.current().cancellationSignal.aborted;
      if (!ends && settles(tool)) return settledNext(error);
      if (!error.retryable) metrics.stepsEnded('tool', endOf(error));
      return error;
    }
  };
}

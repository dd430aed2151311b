import type { RunToolResult } from '../../core/contracts.js';
import type { ItemStep, RunBatchRequest } from '../../core/batches.js';
import { SegnoError } from '../../core/errors.js';
import type { ToolDefinition } from '../../core/tool.js';
import {
  beginStep,
  failStep,
  finishStep,
  GroupCommit,
  hashJson,
  type ManySteps,
  type PureStep,
  readSteps,
  recordPureSteps,
  resultOf,
  reuseSteps,
  type StoredStep,
} from '../../ledger/index.js';
import { type ActivityDependencies, currentStep } from '../dependencies.js';
import { fencedOff, patiently } from '../patiently.js';
import { loadDeps } from '../runDeps.js';
import { classifyToolError, toolFinalAfter } from '../toolCall/classifyToolError.js';
import { executeTool } from '../toolCall/executeTool.js';
import { keptInput } from '../toolCall/keptInput.js';
import { parseToolInput } from '../toolCall/parseToolInput.js';
import { guardOfTool } from '../guardrails/guards.js';
import {
  concludeForWorkflow,
  guardToolError,
  guardToolInput,
  keptOf,
  withoutFindings,
} from '../guardrails/guardTool.js';
import { endOf, leaseMarginMs } from '../toolCall/recordCall.js';
import { settles, settleUnknown } from '../toolCall/settleUnknown.js';
import { toolDefinitionHash } from '../toolCall/toolDefinitionHash.js';
import { safetyOf, toolPolicy } from '../toolCall/toolPolicy.js';
import { type BegunItem, type ItemCall, settleItem } from './itemCall.js';
import { type Ended, endedWith, outcomeOf } from './toolOutcome.js';
import { type BatchItem, endsBatch, type ItemOutcome, type ItemRunner, pauseAfter } from './itemRunner.js';

type ToolStep = Extract<ItemStep, { tool: string }>;

/**
 * The step protocol for the items of a batch, each a call of one tool.
 *
 * Invariants:
 * 1. What is done is read, not run: by this attempt, an earlier one, or the run that is retried.
 * 2. A tool with effects is `sent` in the ledger before it runs; the next item begins when its outcome is recorded. A pure one
 *    is written once, and the next item begins before that: what a kill repeats of it changes nothing.
 * 3. Items share round trips, never outcomes: a failure is that item's alone, unless it ends the batch.
 */
export async function prepareToolItems(
  dependencies: ActivityDependencies,
  { path: mapPath, ctx }: RunBatchRequest,
  { tool: name, maxAttempts }: ToolStep,
  items: readonly BatchItem[],
): Promise<ItemRunner> {
  const { config, ledger, metrics, owner, spans } = dependencies;
  const tool = toolNamed(config.tools, name);
  const deps = await loadDeps(dependencies, ctx, tool.deps, `tool ${name}`);
  const safety = safetyOf(tool);
  const guard = guardOfTool(config, tool);
  const { runId, workflowId, scope, tenant } = currentStep({ path: mapPath, ...(ctx && { ctx }) });
  const many: ManySteps = {
    ...{ runId, workflowId, scope, tenant, owner, safety, name },
    kind: 'tool',
    definitionHash: toolDefinitionHash(name, tool, guard),
  };
  const leaseMs = toolPolicy(tool).timeoutMs + leaseMarginMs;
  const calls = new Map(items.map((item) => [item, callOf(item)]));
  const left = await whatIsLeft([...calls.values()]);
  const records = new GroupCommit(async (steps: readonly PureStep[]) => {
    const recorded = await patiently(() => recordPureSteps(ledger, many, steps));
    const others = steps.filter(({ key }) => !recorded.has(key));
    metrics.stepsEnded('tool', 'done', recorded.size);
    const stored = await readSteps(ledger, others.map(keyOf));
    return Promise.all(
      steps.map(async ({ key, result }) => {
        const found = stored.get(key);
        return (found ? (await resultOf(ledger, found)).result : result) as RunToolResult;
      }),
    );
  });
  return { run };

  async function run(item: BatchItem): Promise<{ outcome: Promise<ItemOutcome> }> {
    const call = calls.get(item)!;
    const finished = await finishedBefore(call);
    if (finished) return settled(finished);
    const parsed = parseToolInput(tool, item.input);
    if ('invalid' in parsed) {
      call.kept = await keptOf(guard, item.input);
      const error = new SegnoError('Tool.InvalidInput', `${name}:\n${parsed.invalid}`);
      return settled(await untilSettled(call, () => Promise.reject(error)));
    }
    const guarded = await guardToolInput(guard, name, tool, { input: parsed.data, given: item.input });
    call.kept = guarded.kept;
    const { blocked } = guarded;
    if (blocked) return settled(await untilSettled(call, () => Promise.reject(blocked)));
    const execution = { ledger, metrics, spans, ctx, name, tool, input: guarded.input, deps, step: call.step };
    const conclude = concludeForWorkflow(guard, name, tool, guarded);
    const execute = async (): Promise<Ended> => endedWith(await conclude(() => executeTool(execution)));
    const unknown = { ...execution, conclude, resolution: undefined, mayAsk: false };
    call.settle = (lost) => withoutFindings(guard, settleUnknown(unknown, lost));
    if (safety !== 'pure' || left.has(call.step.key)) return settled(await untilSettled(call, execute));
    let ended: Ended;
    try {
      ended = await execute();
    } catch (error) {
      // It is begun after all, so that the try counts and is seen.
      return settled(await untilSettled(call, execute, error instanceof Error ? error : new Error(String(error))));
    }
    const recorded = records.add({ ...call.one, ...ended });
    if (records.full) await recorded;
    return { outcome: recorded.then((result) => outcomeOf(result, 1)) };
  }

  async function finishedBefore({
    one: { key, fingerprint },
    outcomeLost,
  }: ItemCall): Promise<ItemOutcome | undefined> {
    if (outcomeLost) {
      const message = `${key} was started with other input by the run that is retried, and its outcome was lost`;
      return { error: new SegnoError('Tool.OutcomeUnknown', message), attempts: 1 };
    }
    const stored = left.get(key);
    if (stored?.state !== 'done') return undefined;
    if (stored.fingerprint !== fingerprint || stored.tenant !== tenant) throw mismatch(key);
    return outcomeOf((await resultOf(ledger, stored)).result as RunToolResult, 1);
  }

  /** @param failedWith what an attempt that stands in no row yet has thrown */
  async function untilSettled(call: ItemCall, execute: () => Promise<Ended>, failedWith?: Error): Promise<ItemOutcome> {
    const { key } = call.step;
    for (let unrecorded = failedWith; ; unrecorded = undefined) {
      const begun = await begin(call);
      if ('error' in begun) return { error: begun.error, attempts: 1 };
      if ('found' in begun) return outcomeOf(begun.found, 1);
      const { epoch, attempts } = begun;
      let ended: Ended;
      try {
        if (unrecorded) throw unrecorded;
        ended = await execute();
      } catch (thrown) {
        const told = await guardToolError(guard, classifyToolError(name, safety, thrown));
        const error = toolFinalAfter(told, attempts, maxAttempts);
        await patiently(() => failStep(ledger, { key, epoch, owner, error }));
        const goesOn = error.retryable || (error.type === 'Tool.OutcomeUnknown' && settles(tool));
        if (!goesOn) metrics.stepsEnded('tool', endOf(error));
        if (endsBatch(error)) throw error;
        if (!goesOn) return { error, attempts };
        await pauseAfter(error, attempts);
        continue;
      }
      const { fenced } = await patiently(() => finishStep(ledger, { key, epoch, owner, ...ended }));
      if (fenced) throw fencedOff(key);
      metrics.stepsEnded('tool', 'done');
      return outcomeOf(ended.result, attempts);
    }
  }

  /** Also waits for an earlier attempt that may still be running. */
  async function begin(call: ItemCall): Promise<BegunItem | { readonly error: SegnoError }> {
    const { step, one } = call;
    const { idempotencyKey, attempt } = step;
    const effect = await keptInput(ledger, many, tool, call.kept);
    for (;;) {
      try {
        const begun = await beginStep(ledger, { ...many, ...one, attempt, leaseMs, idempotencyKey, effect });
        return begun.status === 'done' ? { found: begun.result as RunToolResult } : begun;
      } catch (error) {
        if (!(error instanceof SegnoError) || endsBatch(error)) throw error;
        if (error.type === 'Tool.OutcomeUnknown' && call.settle) {
          const end = await settleItem(call.settle, error);
          if (end) return end;
        } else if (error.type !== 'Step.Busy') return { error };
        else await pauseAfter(error, 1);
      }
    }
  }

  function callOf({ path, input }: BatchItem): ItemCall {
    const step = currentStep({ path, ...(ctx && { ctx }) });
    return { step, kept: undefined, one: { key: step.key, path, fingerprint: hashJson([name, input ?? null]) } };
  }

  /** Of earlier attempts, and of the run that is retried. */
  async function whatIsLeft(all: readonly ItemCall[]): Promise<Map<string, StoredStep>> {
    const predecessors = all.flatMap(({ step }) => step.predecessorKey ?? []);
    if (predecessors.length === all.length) {
      const reused = await reuseSteps(
        ledger,
        many,
        all.map(({ one }) => one),
        predecessors,
      );
      for (const call of all) {
        const reuse = reused.get(call.step.key);
        if (reuse?.idempotencyKey !== undefined) call.step.idempotencyKey = reuse.idempotencyKey;
        call.outcomeLost = reuse?.outcomeLost ?? false;
      }
    }
    return readSteps(
      ledger,
      all.map(({ one }) => one.key),
    );
  }
}

function toolNamed(tools: ReadonlyMap<string, ToolDefinition>, name: string): ToolDefinition {
  const tool = tools.get(name);
  if (tool) return tool;
  throw new SegnoError('Tool.Unknown', `no tool is named ${name}; there are: ${[...tools.keys()].join(', ')}`);
}

function mismatch(key: string): SegnoError {
  return new SegnoError('Step.Mismatch', `The step ${key} was recorded with other input or another definition.`);
}

const keyOf = ({ key }: { readonly key: string }): string => key;
const settled = (outcome: ItemOutcome): { outcome: Promise<ItemOutcome> } => ({ outcome: Promise.resolve(outcome) });

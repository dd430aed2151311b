import type { ItemStep, RunBatchRequest } from '../../core/batches.js';
import type { CallModelRequest, CallModelResult, SegnoActivities } from '../../core/contracts.js';
import { SegnoError } from '../../core/errors.js';
import { agentAttributes, type SpanRecorder } from '../../core/trace.js';
import { type ActivityDependencies, currentStep } from '../dependencies.js';
import { agentPlace, workflowPlace } from '../spans.js';
import {
  type BatchItem,
  endsBatch,
  type ItemOutcome,
  type ItemRunner,
  type ItemUsage,
  pauseAfter,
} from './itemRunner.js';

type AgentStep = Extract<ItemStep, { agent: string }>;
type Calls = Pick<SegnoActivities, 'callModel' | 'runTool'>;

/**
 * Items that an agent without tools answers, each in turns as the workflow's agent loop takes them: one, and one more for each
 * answer that has to be corrected.
 */
export function agentItems(
  calls: Calls,
  { metrics, spans }: Pick<ActivityDependencies, 'metrics' | 'spans'>,
  { ctx, ask }: RunBatchRequest,
  step: AgentStep,
): ItemRunner {
  return { run };

  async function run(item: BatchItem): Promise<{ outcome: Promise<ItemOutcome> }> {
    const startedMs = performance.now();
    const startedAtMs = Date.now();
    const outcome = await answer(item);
    const errorType = 'error' in outcome ? outcome.error.type : undefined;
    metrics.agentCall(step.agent, errorType ?? 'ok', performance.now() - startedMs);
    if (spans) recordSpan(spans, item, startedAtMs, errorType);
    return { outcome: Promise.resolve(outcome) };
  }

  function recordSpan(to: SpanRecorder, { path }: BatchItem, atMs: number, errorType: string | undefined): void {
    const { key } = currentStep({ path, ...(ctx && { ctx }) });
    const workflow = workflowPlace(ctx);
    to.record({
      ...agentPlace(ctx, key),
      ...{ parentSpanId: workflow.spanId, name: `invoke_agent ${step.agent}`, kind: 'internal' },
      ...{ startedMs: atMs, endedMs: Date.now(), errorType },
      attributes: agentAttributes(step.agent, key),
    });
  }

  async function answer({ path, input }: BatchItem): Promise<ItemOutcome> {
    const used = { inputTokens: 0, outputTokens: 0, costPicoUsd: 0n, repetitions: 0 };
    const ended = (end: { output: unknown } | { error: SegnoError }): ItemOutcome => {
      const { repetitions, ...usage } = used;
      return { ...end, attempts: 1 + repetitions, usage };
    };
    const { agent, options, maxTurns } = step;
    let next: Partial<CallModelRequest> = { input: input ?? null };
    let limits = { maxTurns: 1, maxRepairs: 0 };
    let repairs = 0;
    try {
      for (let turn = 1; ; turn += 1) {
        const turnPath = `${path}/turn#${turn}`;
        const given = { ...(options && { options }), ...(ask === false && { ask }), ...(ctx && { ctx }) };
        const request = { agent, path: turnPath, ...next, ...given };
        const result = await patientCall(() => calls.callModel(request));
        addUsage(used, result);
        used.repetitions += (result.attempts ?? 1) - 1;
        if ('output' in result) return ended({ output: result.output });
        limits = result.limits ?? limits;
        if (result.invalid !== undefined && ++repairs > limits.maxRepairs) {
          throw result.blocked
            ? new SegnoError('Guardrail.Blocked', `the output was blocked by ${result.invalid}`)
            : new SegnoError('Model.InvalidOutput', `the answer does not match the output schema:\n${result.invalid}`);
        }
        if (turn >= (maxTurns ?? limits.maxTurns)) {
          throw new SegnoError('Agent.TurnLimit', `no answer after ${turn} turns`);
        }
        const append = await refusals(turnPath, agent, result);
        next = { head: result.head, ...(append.length > 0 && { append }) };
      }
    } catch (error) {
      if (!(error instanceof SegnoError) || endsBatch(error)) throw error;
      return ended({ error });
    }
  }

  /** A model that asks for tools although it was given none is told so. */
  async function refusals(
    path: string,
    agent: string,
    { head, calls: asked = [] }: CallModelResult,
  ): Promise<string[]> {
    const counts = new Map<string, number>();
    return Promise.all(
      asked.map(async ({ tool }, index) => {
        const count = (counts.get(tool) ?? 0) + 1;
        counts.set(tool, count);
        const request = { tool, path: `${path}/${tool}#${count}`, agent, head, index, ...(ctx && { ctx }) };
        return (await patientCall(() => calls.runTool(request))).hash!;
      }),
    );
  }
}

async function patientCall<Result>(call: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof SegnoError) || !error.retryable || endsBatch(error)) throw error;
      await pauseAfter(error, attempt);
    }
  }
}

function addUsage(sum: { -readonly [Name in keyof ItemUsage]: ItemUsage[Name] }, { usage }: CallModelResult): void {
  sum.inputTokens += usage[0];
  sum.outputTokens += usage[1];
  sum.costPicoUsd += BigInt(usage[2]);
}

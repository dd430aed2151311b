import type { AdmissionRequest, Settlement } from '../core/admission/admission.js';
import { buildAdmission } from '../core/admission/buildAdmission.js';
import type { CallModelRequest, CallModelResult } from '../core/contracts.js';
import type { AgentDefinition } from '../core/defineAgent.js';
import { SegnoError } from '../core/errors.js';
import { costPicoUsd } from '../core/money.js';
import type { ToolDefinition } from '../core/tool.js';
import {
  type Admitted,
  beginStep,
  type BeginStepInput,
  type BeginStepResult,
  budgetExceeded,
  failStep,
  finishStep,
  hashJson,
  reuseStep,
  type StepUsage,
  type UpperBound,
} from '../ledger/index.js';
import { askingForMore } from './askingForMore.js';
import { warn, warnAtOf } from './budgetWarnings.js';
import { type ActivityDependencies, currentStep } from './dependencies.js';
import { withHeartbeat } from './heartbeat.js';
import { detailOf } from './guardrails/findings.js';
import { type Guard, guardOfAgent, guardOfTool } from './guardrails/guards.js';
import { finalAfter } from './finalAfter.js';
import { fallbacksAfter, readable, retryable } from './model/afterFailure.js';
import { AgentDefinitions } from './model/agentDefinitions.js';
import { ChatSpan } from './model/chatSpan.js';
import { fallbackReason } from './model/classify.js';
import { loadConversation } from './model/conversation.js';
import { ConversationMarks, markedMessages, withoutEchoes } from './model/conversationMarks.js';
import { inputTokensOf } from './model/inputTokens.js';
import { ModelAttempt, timeoutMsOf } from './model/modelAttempt.js';
import { chainedModel, type ChainedModel, modelChain } from './model/modelChain.js';
import { readTurn } from './model/readTurn.js';
import type { StreamedAnswer } from './model/streamAnswer.js';
import { fencedOff, patiently } from './patiently.js';

/** In the middle of 1 (first) to 5, as Temporal's own. */
const defaultPriority = 3;

/** What an attempt may take beyond the model's own time limit: reading the conversation, writing the result. */
const leaseMarginMs = 30_000;

/**
 * One turn of an agent: one model call, recorded.
 *
 * Invariants:
 * 1. The step is `sent` in the ledger, and admitted by the gate, before the provider is called; a finished step is never called again.
 * 2. Every attempt's usage is recorded once. Where the provider reported none, its upper bound counts.
 * 3. Messages stay in the ledger; the result carries the transcript's hash and the decision.
 * 4. The model sees what tools and documents say in marks (conversationMarks.ts); transcript and traces have it without.
 */
export function createCallModel(dependencies: ActivityDependencies) {
  const { config, ledger, metrics, models, owner, spans, transcripts } = dependencies;
  const definitions = new AgentDefinitions(config);
  const conversationMarks = new ConversationMarks(ledger);

  return async function callModel(request: CallModelRequest): Promise<CallModelResult> {
    return withHeartbeat(() => recordedTurn(request));
  };

  async function recordedTurn(request: CallModelRequest): Promise<CallModelResult> {
    const { agent: name, options = {} } = request;
    const agent = agentOf(name);
    const chain = modelChain(models, options.model ?? agent.model ?? 'default');
    const { prompt, definitionHash } = definitions.prepare(name, agent, chain[0]!);
    const step = currentStep(request);
    const guard = guardOfAgent(config, agent);
    const identity = {
      ...step,
      kind: 'model' as const,
      name,
      definitionHash,
      fingerprint: hashJson([name, request.input ?? null, request.head ?? null, request.append ?? null, options]),
      owner,
      safety: 'idempotent' as const,
    };
    const { recorded } = step.predecessorKey ? await reuseStep(ledger, identity, step.predecessorKey) : {};
    if (recorded) return recorded.result as CallModelResult;
    const loading = loadConversation(dependencies, { name, agent, request, step, guard });
    const conversation = await loading.catch((error: unknown) => failBeforeCall(identity, error));
    if ('head' in conversation) return conversation;
    const marks = await conversationMarks.of(step);
    const messages = markedMessages(conversation.messages, prompt, marks);

    const { tools } = config;
    const toolGuard = (tool: ToolDefinition | undefined): Guard => guardOfTool(config, tool);
    const context = { request, agent, prompt, tools, conversation, guard, guardOfTool: toolGuard };
    const { maxOutputTokens } = options;
    const inputTokensFor = inputTokensOf({ ...prompt, messages });
    let candidates: readonly ChainedModel[] = await Promise.all(
      chain.map(async (model) => {
        const inputTokens = await inputTokensFor(model);
        return chainedModel(model, prompt, messages, agent, { inputTokens, maxOutputTokens });
      }),
    );
    let fellFrom: { alias: string; reason: string } | undefined;
    for (;;) {
      const admission = admissionOf(request, agent, step.tenant, candidates);
      const warnAt = warnAtOf(admission);
      const leaseMs = Math.max(...chain.map(timeoutMsOf)) + leaseMarginMs;
      const begun = await admit({ ...identity, leaseMs, admission }, request.ask !== false);
      if (begun.status === 'done') return begun.result as CallModelResult;

      const { epoch, attempts, admitted } = begun;
      meterAdmission(admitted!, fellFrom);
      const written = { key: step.key, epoch, owner };
      const model = candidates.find(({ alias }) => alias === admitted!.alias)!;
      const attempt = new ModelAttempt(
        model.callable,
        model.request(admitted!.outputTokens),
        upperBoundOf(model, admitted!),
        admitted!.leftMs,
      );
      const chat = { request, step, model, messages: conversation.messages, admitted: admitted!, attempts };
      const span = spans && new ChatSpan(spans, { ...chat, fellFrom: fellFrom?.alias });
      let answer: StreamedAnswer | undefined;
      let turn;
      try {
        answer = withoutEchoes(await attempt.call(step, name, epoch), marks);
        turn = await readTurn(context, answer, attempt.usage());
      } catch (error) {
        const failure = finalAfter(readable(error), attempts, options.maxAttempts, chain.length);
        // Out of time: the gate refuses it now, or asks for more.
        const others = attempt.outOfTime ? candidates : fallbacksAfter(failure, model, candidates);
        const recordedAs = others.length > 0 ? retryable(failure) : failure;
        const ended = { error: recordedAs, usage: attempt.usage(), settlement: { ...attempt.settlement(), ...warnAt } };
        meterCall(model, name, failure.type, ended);
        span?.end(ended.usage, { answer, errorType: failure.type });
        warn(await patiently(() => failStep(ledger, { ...written, ...ended })));
        if (!recordedAs.retryable) metrics.stepsEnded('model', 'failed');
        if (others.length === 0) throw failure;
        candidates = others;
        if (!attempt.outOfTime) fellFrom = { alias: model.alias, reason: fallbackReason(failure.type)! };
        continue;
      }
      const { result, nodes, chars } = turn;
      const detail = detailOf([...conversation.findings, ...turn.findings]);
      const ended = { ...detail, usage: attempt.usage(), settlement: { ...attempt.settlement(), ...warnAt } };
      meterCall(model, name, 'ok', ended);
      span?.end(ended.usage, { answer });
      const settled = await patiently(() => finishStep(ledger, { ...written, result, nodes, ...ended }));
      warn(settled);
      if (settled.fenced) throw fencedOff(step.key);
      metrics.stepsEnded('model', 'done');
      transcripts.put(step.tenant, result.head, turn.messages, chars);
      return attempts > 1 ? { ...result, attempts } : result;
    }
  }

  /** What a guardrail has blocked stands at its step, as a failure that has asked no model and cost nothing. */
  async function failBeforeCall(identity: Omit<BeginStepInput, 'leaseMs'>, error: unknown): Promise<CallModelResult> {
    if (!(error instanceof SegnoError) || error.type !== 'Guardrail.Blocked') throw error;
    const { key, owner } = identity;
    const begun = await beginStep(ledger, { ...identity, leaseMs: leaseMarginMs });
    if (begun.status === 'done') return begun.result as CallModelResult;
    await patiently(() => failStep(ledger, { key, owner, epoch: begun.epoch, error }));
    metrics.stepsEnded('model', 'failed');
    throw error;
  }

  function meterCall(
    model: ChainedModel,
    agent: string,
    outcome: string,
    { usage, settlement: { durationMs } }: { usage: StepUsage; settlement: Settlement },
  ): void {
    metrics.modelCall({ model, agent, outcome, durationMs, usage });
  }

  function meterAdmission(admitted: Admitted, fellFrom: { alias: string; reason: string } | undefined): void {
    metrics.admitted(admitted);
    for (const { alias, for: reason } of admitted.skipped) metrics.fallback(alias, admitted.alias, reason);
    if (fellFrom) metrics.fallback(fellFrom.alias, admitted.alias, fellFrom.reason);
  }

  function admissionOf(
    { ctx }: CallModelRequest,
    agent: AgentDefinition,
    tenant: string,
    candidates: readonly ChainedModel[],
  ): AdmissionRequest {
    return buildAdmission({
      config,
      tenant,
      priority: ctx?.priority ?? defaultPriority,
      budgets: ctx?.budgets ?? [],
      namedBudget: agent.budget,
      models: candidates,
      nowMs: Date.now(),
      costOf: ({ config: { price }, inputTokens }, outputTokens) =>
        price ? costPicoUsd({ inputTokens, outputTokens }, price) : 0n,
    });
  }

  /** A budget that is used up names who spent it, and may ask for more. */
  async function admit(
    input: BeginStepInput & { admission: AdmissionRequest },
    mayAsk: boolean,
  ): Promise<BeginStepResult> {
    try {
      return await beginStep(ledger, input);
    } catch (error) {
      if (!(error instanceof SegnoError)) throw error;
      const { at, budget, for: reason } = error.details ?? {};
      if (error.type === 'Admission.Waiting') metrics.waiting(String(at), String(reason));
      if (error.type !== 'Budget.Exceeded' || typeof budget !== 'string') throw error;
      metrics.refused(budget, String(reason));
      const refusal = await budgetExceeded(ledger, budget, error);
      throw mayAsk ? await askingForMore(ledger, input, refusal) : refusal;
    }
  }

  function agentOf(name: string): AgentDefinition {
    const agent = config.agents.get(name);
    if (agent) return agent;
    throw new SegnoError(
      'Agent.Unknown',
      `no agent is named ${name}; there are: ${[...config.agents.keys()].join(', ')}`,
    );
  }
}

function upperBoundOf({ config: { price } }: ChainedModel, { inputTokens, outputTokens }: Admitted): UpperBound {
  return { inputTokens, outputTokens, costPicoUsd: price ? costPicoUsd({ inputTokens, outputTokens }, price) : 0n };
}

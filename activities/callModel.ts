import { Context } from '@temporalio/activity';
import type { ChatCompletionCreateParamsStreaming } from 'openai/resources/chat/completions';
import type { CallModelRequest, CallModelResult, ToolCall } from '../core/contracts.js';
import type { AgentDefinition } from '../core/defineAgent.js';
import { SegnoError } from '../core/errors.js';
import { costPicoUsd } from '../core/money.js';
import {
  beginStep,
  failStep,
  finishStep,
  hashJson,
  hashMessage,
  reuseStep,
  type TranscriptNode,
} from '../ledger/index.js';
import { type ActivityDependencies, currentStep, type StepIdentity } from './dependencies.js';
import { withHeartbeat } from './heartbeat.js';
import { type AgentPrompt, createAgentPrompt, readOutput, repairMessage } from './model/agentPrompt.js';
import { classifyModelError } from './model/classify.js';
import { loadConversation, type Conversation } from './model/conversation.js';
import { assistantMessage, type Message } from './model/messages.js';
import { type CallableModel, defaultCallTimeoutMs, defaultMaxOutputTokens } from './model/modelClients.js';
import { type StreamedAnswer, streamAnswer, type TokenUsage } from './model/streamAnswer.js';
import { fencedOff, patiently } from './patiently.js';
import { toolPolicy } from './runTool.js';

/**
 * One turn of an agent: one model call, recorded.
 *
 * Invariants:
 * 1. The step is `sent` in the ledger before the provider is called, and a finished step is never called again.
 * 2. Every attempt's usage is recorded once. Where the provider reported none, its upper bound counts.
 * 3. Messages stay in the ledger; the result carries the transcript's hash and the decision.
 */
export function createCallModel(dependencies: ActivityDependencies) {
  const { config, ledger, models, owner, transcripts } = dependencies;
  const definitions = new Map<string, { prompt: AgentPrompt; definitionHash: string }>();

  return async function callModel(request: CallModelRequest): Promise<CallModelResult> {
    const { agent: name, options = {} } = request;
    const agent = config.agents.get(name);
    if (!agent) {
      throw new SegnoError(
        'Agent.Unknown',
        `no agent is named ${name}; there are: ${[...config.agents.keys()].join(', ')}`,
      );
    }
    const model = models.resolve(options.model ?? agent.model ?? 'default');
    const { prompt, definitionHash } = definitionOf(name, agent, model);
    const step = currentStep(request);
    const conversation = await loadConversation(dependencies, { name, agent, request, step });
    const params = requestParams(model, prompt, conversation, agent, options.maxOutputTokens);

    const identity = {
      ...step,
      kind: 'model' as const,
      name,
      definitionHash,
      fingerprint: hashJson([name, request.input ?? null, request.head ?? null, request.append ?? null, options]),
      owner,
      safety: 'idempotent' as const,
    };
    const reused = step.predecessorKey && (await reuseStep(ledger, identity, step.predecessorKey));
    if (reused) return reused.result as CallModelResult;
    const begun = await beginStep(ledger, {
      ...identity,
      leaseMs: timeoutOf(model) + 30_000,
      model: { alias: model.alias, provider: model.provider, model: model.config.model },
      upperBound: upperBoundOf(model, params),
    });
    if (begun.status === 'done') return begun.result as CallModelResult;

    const attempt = new ModelAttempt(model, upperBoundOf(model, params));
    try {
      const answer = await withHeartbeat(() => attempt.call(params, { step, agent: name, epoch: begun.epoch }));
      const turn = readTurn(request, agent, prompt, conversation, answer, attempt);
      const { fenced } = await patiently(() =>
        finishStep(ledger, {
          key: step.key,
          epoch: begun.epoch,
          owner,
          result: turn.result,
          nodes: turn.nodes,
          usage: attempt.recordedUsage(),
        }),
      );
      if (fenced) throw fencedOff(step.key);
      transcripts.put(step.tenant, turn.result.head, turn.messages, turn.chars);
      return turn.result;
    } catch (error) {
      const failure = finalAfter(classifyModelError(error, model.apiKey), begun.attempts, options.maxAttempts);
      if (failure.type !== 'Ledger.Unavailable' && failure.type !== 'Step.Fenced') {
        await patiently(() =>
          failStep(ledger, {
            key: step.key,
            epoch: begun.epoch,
            owner,
            error: failure,
            usage: attempt.recordedUsage(),
          }),
        );
      }
      throw failure;
    }
  };

  function definitionOf(
    name: string,
    agent: AgentDefinition,
    model: CallableModel,
  ): { prompt: AgentPrompt; definitionHash: string } {
    const key = `${name}/${model.alias}`;
    const known = definitions.get(key);
    if (known) return known;
    const prompt = createAgentPrompt(name, agent, config.tools);
    const { instructions, maxTurns = null, maxRepairs = null, temperature = null } = agent;
    const definitionHash = hashJson({
      instructions: String(instructions),
      responseFormat: prompt.responseFormat ?? null,
      tools: prompt.tools,
      model: { provider: model.provider, model: model.config.model },
      settings: { maxTurns, maxRepairs, temperature },
    });
    const made = { prompt, definitionHash };
    definitions.set(key, made);
    return made;
  }

  /** What the answer means: a validated output, tool calls, or an answer to be corrected; refusals and cut answers are failures. */
  function readTurn(
    request: CallModelRequest,
    agent: AgentDefinition,
    prompt: AgentPrompt,
    conversation: Conversation,
    answer: StreamedAnswer,
    attempt: ModelAttempt,
  ): { result: CallModelResult; nodes: TranscriptNode[]; messages: Message[]; chars: number } {
    failUnlessComplete(answer);
    const calls = answer.calls.map((call, index) => ({ ...call, id: call.id || `call_${index}` }));
    const added: Message[] = [assistantMessage(answer.text, calls)];
    const decision: Pick<CallModelResult, 'output' | 'calls' | 'invalid'> =
      calls.length > 0
        ? { calls: calls.map(({ name }): ToolCall => ({ tool: name, policy: toolPolicy(config.tools.get(name)) })) }
        : readOutput(agent, prompt.form, answer.text);
    if (decision.invalid !== undefined) added.push(repairMessage(decision.invalid));

    const nodes = [...conversation.newNodes];
    let head = nodes.at(-1)?.hash ?? request.head ?? null;
    for (const message of added) {
      const hash = hashMessage(head, message);
      nodes.push({ hash, parent: head, message });
      head = hash;
    }
    const { inputTokens, outputTokens, costPicoUsd } = attempt.recordedUsage();
    return {
      result: {
        head: head!,
        usage: [inputTokens, outputTokens, String(costPicoUsd)],
        ...decision,
        ...(request.head === undefined && {
          limits: { maxTurns: agent.maxTurns ?? 20, maxRepairs: agent.maxRepairs ?? 2 },
        }),
      },
      nodes,
      messages: [...conversation.messages, ...added],
      chars: conversation.chars + JSON.stringify(added).length,
    };
  }
}

function failUnlessComplete({ refusal, finishReason }: StreamedAnswer): void {
  if (refusal !== '') throw new SegnoError('Model.Refused', `the model refused: ${refusal.slice(0, 300)}`);
  if (finishReason === 'content_filter')
    throw new SegnoError('Model.ContentFiltered', 'the provider’s content filter stopped the answer');
  if (finishReason === 'length') throw new SegnoError('Model.LengthLimit', 'the answer was cut at the output limit');
}

/** A retryable failure becomes final with the last attempt the caller allows. */
function finalAfter(failure: SegnoError, attempts: number, maxAttempts = Number.POSITIVE_INFINITY): SegnoError {
  if (!failure.retryable || attempts < maxAttempts) return failure;
  return new SegnoError(failure.type, `${failure.message} (attempt ${attempts} of ${maxAttempts})`, {
    retryable: false,
  });
}

function requestParams(
  model: CallableModel,
  prompt: AgentPrompt,
  conversation: Conversation,
  agent: AgentDefinition,
  maxOutputTokens = agent.maxOutputTokens ?? model.config.maxOutputTokens ?? defaultMaxOutputTokens,
): ChatCompletionCreateParamsStreaming {
  return {
    model: model.config.model,
    messages: [...conversation.messages],
    stream: true,
    stream_options: { include_usage: true },
    [model.maxTokensField]: maxOutputTokens,
    ...(prompt.responseFormat && { response_format: prompt.responseFormat }),
    ...(prompt.tools.length > 0 && { tools: prompt.tools }),
    ...(agent.temperature !== undefined && { temperature: agent.temperature }),
  };
}

interface UpperBound {
  inputTokens: number;
  outputTokens: number;
  costPicoUsd: bigint;
}

/** A token is at least one byte of UTF-8, so the request's bytes bound its tokens from above. */
function upperBoundOf(model: CallableModel, params: ChatCompletionCreateParamsStreaming): UpperBound {
  const inputTokens = Buffer.byteLength(
    JSON.stringify([params.messages, params.tools ?? [], params.response_format ?? null]),
  );
  const outputTokens = params.max_completion_tokens ?? params.max_tokens ?? defaultMaxOutputTokens;
  return { inputTokens, outputTokens, costPicoUsd: costOf(model, { inputTokens, outputTokens, cachedInputTokens: 0 }) };
}

function costOf({ config: { price } }: CallableModel, usage: TokenUsage): bigint {
  return price ? costPicoUsd(usage, price) : 0n;
}

function timeoutOf(model: CallableModel): number {
  return model.config.timeoutMs ?? defaultCallTimeoutMs;
}

/** One try at the provider, and what it cost. */
class ModelAttempt {
  private usage: TokenUsage | undefined;
  /** Nothing has left this machine yet, or the provider answered with an error status: nothing was spent. */
  private unspent = true;

  constructor(
    private readonly model: CallableModel,
    private readonly upperBound: UpperBound,
  ) {}

  async call(
    params: ChatCompletionCreateParamsStreaming,
    { step, agent, epoch }: { step: StepIdentity; agent: string; epoch: number },
  ): Promise<StreamedAnswer> {
    const { cancellationSignal } = Context.current();
    const timeout = AbortSignal.timeout(timeoutOf(this.model));
    this.unspent = false;
    try {
      return await streamAnswer(this.model.client, params, {
        signal: AbortSignal.any([cancellationSignal, timeout]),
        headers: { 'x-segno-agent': agent, 'x-client-request-id': `${step.key}#${epoch}`.slice(0, 512) },
        onUsage: (usage) => (this.usage = usage),
      });
    } catch (error) {
      if (timeout.aborted && !cancellationSignal.aborted) {
        throw new SegnoError('Model.Timeout', `no complete answer within ${timeoutOf(this.model)} ms`);
      }
      this.unspent = isStatusAnswer(error);
      // Retryable, because a worker that shuts down cancels too, and another one goes on.
      if (cancellationSignal.aborted)
        throw new SegnoError('Run.Cancelled', 'the call was cancelled', { retryable: true });
      throw error;
    }
  }

  recordedUsage(): TokenUsage & { costPicoUsd: bigint; estimated: boolean } {
    if (this.usage) return { ...this.usage, costPicoUsd: costOf(this.model, this.usage), estimated: false };
    if (this.unspent)
      return { inputTokens: 0, outputTokens: 0, cachedInputTokens: 0, costPicoUsd: 0n, estimated: false };
    return { ...this.upperBound, cachedInputTokens: 0, estimated: true };
  }
}

/** An HTTP error status instead of an answer: providers charge nothing for it. */
function isStatusAnswer(error: unknown): boolean {
  return typeof (error as { status?: unknown }).status === 'number';
}

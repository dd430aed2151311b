import type { ChatCompletionCreateParamsStreaming } from 'openai/resources/chat/completions';
import type { CallModelRequest, CallModelResult } from '../core/contracts.js';
import type { AgentDefinition } from '../core/defineAgent.js';
import { SegnoError } from '../core/errors.js';
import { beginStep, failStep, finishStep, hashJson, reuseStep } from '../ledger/index.js';
import { type ActivityDependencies, currentStep } from './dependencies.js';
import { withHeartbeat } from './heartbeat.js';
import { AgentDefinitions } from './model/agentDefinitions.js';
import type { AgentPrompt } from './model/agentPrompt.js';
import { type Conversation, loadConversation } from './model/conversation.js';
import { ModelAttempt, timeoutMsOf } from './model/modelAttempt.js';
import { type CallableModel, defaultMaxOutputTokens } from './model/modelClients.js';
import { readTurn } from './model/readTurn.js';
import { fencedOff, patiently } from './patiently.js';

/** What an attempt may take beyond the model's own time limit: reading the conversation, writing the result. */
const leaseMarginMs = 30_000;

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
  const definitions = new AgentDefinitions(config.tools);

  return async function callModel(request: CallModelRequest): Promise<CallModelResult> {
    return withHeartbeat(() => recordedTurn(request));
  };

  async function recordedTurn(request: CallModelRequest): Promise<CallModelResult> {
    const { agent: name, options = {} } = request;
    const agent = agentOf(name);
    const model = models.resolve(options.model ?? agent.model ?? 'default');
    const { prompt, definitionHash } = definitions.prepare(name, agent, model);
    const step = currentStep(request);
    const conversation = await loadConversation(dependencies, { name, agent, request, step });
    const attempt = new ModelAttempt(model, requestParams(model, prompt, conversation, agent, options.maxOutputTokens));

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
    const begun = await beginStep(ledger, {
      ...identity,
      leaseMs: timeoutMsOf(model) + leaseMarginMs,
      model: { alias: model.alias, provider: model.provider, model: model.config.model },
      upperBound: attempt.upperBound,
    });
    if (begun.status === 'done') return begun.result as CallModelResult;

    const { epoch, attempts } = begun;
    const written = { key: step.key, epoch, owner };
    let turn;
    try {
      const answer = await attempt.call(step, name, epoch);
      turn = readTurn({ request, agent, prompt, tools: config.tools, conversation }, answer, attempt.usage());
    } catch (error) {
      const failure = finalAfter(readable(error), attempts, options.maxAttempts);
      await patiently(() => failStep(ledger, { ...written, error: failure, usage: attempt.usage() }));
      throw failure;
    }
    const { result, nodes, messages, chars } = turn;
    const { fenced } = await patiently(() => finishStep(ledger, { ...written, result, nodes, usage: attempt.usage() }));
    if (fenced) throw fencedOff(step.key);
    transcripts.put(step.tenant, result.head, messages, chars);
    return attempts > 1 ? { ...result, attempts } : result;
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

/** An answer that our own code stumbles over would be asked for, and paid for, again and again: it is final. */
function readable(error: unknown): SegnoError {
  if (error instanceof SegnoError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new SegnoError('Model.BadResponse', `the answer could not be read: ${reason}`, {
    retryable: false,
    cause: error,
  });
}

/** A retryable failure becomes final with the last attempt the caller allows; a worker that shuts down fails nothing. */
function finalAfter(failure: SegnoError, attempts: number, maxAttempts = Number.POSITIVE_INFINITY): SegnoError {
  if (!failure.retryable || failure.type === 'Run.Cancelled' || attempts < maxAttempts) return failure;
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

import type { ChatCompletionCreateParamsStreaming } from 'openai/resources/chat/completions';
import type { CandidateModel } from '../../core/admission/buildAdmission.js';
import type { AgentDefinition } from '../../core/defineAgent.js';
import type { AgentPrompt } from './agentPrompt.js';
import type { Message } from './messages.js';
import { costOf } from './modelAttempt.js';
import { type CallableModel, defaultMaxOutputTokens, type ModelClients } from './modelClients.js';

/** A model that may answer, with the request it would be sent. */
export interface ChainedModel extends CandidateModel {
  readonly callable: CallableModel;
  /** @param maxOutputTokens what the gate has admitted: fewer than asked for, when a budget made it so */
  request(maxOutputTokens: number): ChatCompletionCreateParamsStreaming;
}

/**
 * The alias and its fallbacks, in order.
 *
 * @throws SegnoError `Model.Unknown`
 */
export function modelChain(models: ModelClients, alias: string): CallableModel[] {
  const chain: CallableModel[] = [];
  for (let next: string | undefined = alias; next !== undefined; next = chain.at(-1)?.config.fallback?.to) {
    chain.push(models.resolve(next));
  }
  return chain;
}

export function chainedModel(
  callable: CallableModel,
  prompt: AgentPrompt,
  messages: readonly Message[],
  agent: AgentDefinition,
  { inputTokens, maxOutputTokens }: { inputTokens: number; maxOutputTokens: number | undefined },
): ChainedModel {
  const { alias, provider, config } = callable;
  const request = (limit: number): ChatCompletionCreateParamsStreaming => ({
    model: config.model,
    messages: [...messages],
    stream: true,
    stream_options: { include_usage: true },
    [callable.maxTokensField]: limit,
    ...(prompt.responseFormat && { response_format: prompt.responseFormat }),
    ...(prompt.tools.length > 0 && { tools: prompt.tools }),
    ...(agent.temperature !== undefined && { temperature: agent.temperature }),
  });
  const outputTokens = maxOutputTokens ?? agent.maxOutputTokens ?? config.maxOutputTokens ?? defaultMaxOutputTokens;
  const costPicoUsd = costOf(callable, { inputTokens, outputTokens, cachedInputTokens: 0 });
  return { alias, provider, config, inputTokens, outputTokens, costPicoUsd, callable, request };
}

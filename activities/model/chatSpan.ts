import type { CallModelRequest } from '../../core/contracts.js';
import type { Admitted, StepUsage } from '../../ledger/index.js';
import { picoToUsd } from '../../core/money.js';
import type { FinishedSpan, SpanRecorder } from '../../core/trace.js';
import type { StepIdentity } from '../dependencies.js';
import { agentPlace, keyAbove, OpenSpan, stepAttributes } from '../spans.js';
import { type Message, requestedCalls } from './messages.js';
import type { ChainedModel } from './modelChain.js';
import type { StreamedAnswer } from './streamAnswer.js';

interface Chat {
  request: CallModelRequest;
  step: StepIdentity;
  model: ChainedModel;
  messages: readonly Message[];
  admitted: Admitted;
  /** Of the step, this one included. */
  attempts: number;
  /** Alias of the model that failed before it in this attempt of the activity. */
  fellFrom: string | undefined;
}

/** One attempt of a model call, as a span under its agent's. */
export class ChatSpan {
  private readonly span: OpenSpan;
  private readonly messages: readonly Message[];

  constructor(recorder: SpanRecorder, { request, step, model, messages, admitted, attempts, fellFrom }: Chat) {
    const { alias, provider, config, callable } = model;
    const callKey = keyAbove(step.key, 1);
    const { hostname, port, protocol } = new URL(callable.client.baseURL);
    const skipped = admitted.skipped.map((one) => one.alias).filter((one) => one !== alias);
    const passedOver = [...new Set(fellFrom === undefined ? skipped : [fellFrom, ...skipped])];
    const params = model.request(admitted.outputTokens);
    this.messages = messages;
    this.span = new OpenSpan(recorder, `chat ${config.model}`, 'client', agentPlace(request.ctx, callKey), {
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': provider,
      'gen_ai.request.model': config.model,
      'gen_ai.request.max_tokens': admitted.outputTokens,
      'gen_ai.request.temperature': params.temperature ?? undefined,
      'gen_ai.request.stream': true,
      'gen_ai.output.type': params.response_format ? 'json' : 'text',
      'gen_ai.agent.name': request.agent,
      'gen_ai.conversation.id': callKey,
      'server.address': hostname,
      'server.port': Number(port || (protocol === 'https:' ? 443 : 80)),
      ...stepAttributes(step),
      'segno.attempt': attempts,
      'segno.model.alias': alias,
      ...(passedOver.length > 0 && { 'segno.model.fallback_from': passedOver }),
      ...(admitted.waitedMs > 0 && { 'segno.admission.waited_seconds': admitted.waitedMs / 1_000 }),
    });
  }

  end(usage: StepUsage, { answer, errorType }: { answer?: StreamedAnswer | undefined; errorType?: string }): void {
    const attributes: FinishedSpan['attributes'] = {
      'gen_ai.usage.input_tokens': usage.inputTokens,
      'gen_ai.usage.output_tokens': usage.outputTokens,
      'gen_ai.usage.cache_read.input_tokens': usage.cachedInputTokens,
      'segno.usage.estimated': usage.estimated || undefined,
      'segno.cost.usd': picoToUsd(usage.costPicoUsd),
      'gen_ai.response.model': answer?.model || undefined,
      'gen_ai.response.id': answer?.id || undefined,
      'gen_ai.response.finish_reasons': answer && [answer.finishReason],
    };
    this.span.end({ attributes, ...(errorType !== undefined && { errorType }) }, () => ({
      'gen_ai.input.messages': JSON.stringify(this.messages.map(toParts)),
      ...(answer && { 'gen_ai.output.messages': JSON.stringify([answerParts(answer)]) }),
    }));
  }
}

/** A message in the shape the conventions give it. */
function toParts(message: Message): object {
  const content = message.content ?? '';
  const text = typeof content === 'string' ? content : JSON.stringify(content);
  if (message.role === 'tool') {
    return { role: 'tool', parts: [{ type: 'tool_call_response', id: message.tool_call_id, response: text }] };
  }
  return { role: message.role, parts: [...textPart(text), ...requestedCalls(message).map(callPart)] };
}

function answerParts({ text, refusal, calls, finishReason }: StreamedAnswer): object {
  return {
    role: 'assistant',
    parts: [...textPart(text || refusal), ...calls.map(callPart)],
    finish_reason: finishReason,
  };
}

function textPart(content: string): object[] {
  return content === '' ? [] : [{ type: 'text', content }];
}

function callPart({ id, name, arguments: text }: { id: string; name: string; arguments: string }): object {
  return { type: 'tool_call', id, name, arguments: text };
}

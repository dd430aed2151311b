import type OpenAI from 'openai';
import type { ChatCompletionChunk, ChatCompletionCreateParamsStreaming } from 'openai/resources/chat/completions';
import { SegnoError } from '../../core/errors.js';
import type { RequestedCall } from './messages.js';

export interface TokenUsage {
  inputTokens: number;
  outputTokens: number;
  cachedInputTokens: number;
}

export interface StreamedAnswer {
  text: string;
  refusal: string;
  calls: RequestedCall[];
  finishReason: string;
  /** Undefined when the provider sends none. */
  usage: TokenUsage | undefined;
}

/**
 * One streamed chat completion, put together from its chunks.
 *
 * @throws SegnoError `Model.StreamBroken` when the stream ends before the model finished; otherwise what the client throws.
 *   `onUsage` has been called with whatever usage had arrived by then.
 */
export async function streamAnswer(
  client: OpenAI,
  params: ChatCompletionCreateParamsStreaming,
  options: { signal: AbortSignal; headers: Record<string, string>; onUsage: (usage: TokenUsage) => void },
): Promise<StreamedAnswer> {
  const stream = await client.chat.completions.create(params, { signal: options.signal, headers: options.headers });
  const answer: StreamedAnswer = { text: '', refusal: '', calls: [], finishReason: '', usage: undefined };
  for await (const chunk of stream) {
    if (chunk.usage) {
      answer.usage = toUsage(chunk.usage);
      options.onUsage(answer.usage);
    }
    addChoice(answer, chunk.choices?.[0]);
  }
  // An aborted stream ends without an error.
  options.signal.throwIfAborted();
  if (answer.finishReason === '')
    throw new SegnoError('Model.StreamBroken', 'the stream ended before the answer was complete');
  return answer;
}

function addChoice(answer: StreamedAnswer, choice: ChatCompletionChunk.Choice | undefined): void {
  if (!choice) return;
  const { delta } = choice;
  answer.text += delta?.content ?? '';
  answer.refusal += delta?.refusal ?? '';
  for (const part of delta?.tool_calls ?? []) {
    const call = (answer.calls[part.index] ??= { id: '', name: '', arguments: '' });
    call.id ||= part.id ?? '';
    call.name += part.function?.name ?? '';
    call.arguments += part.function?.arguments ?? '';
  }
  answer.finishReason = choice.finish_reason ?? answer.finishReason;
}

function toUsage(usage: NonNullable<ChatCompletionChunk['usage']>): TokenUsage {
  return {
    inputTokens: usage.prompt_tokens,
    outputTokens: usage.completion_tokens,
    cachedInputTokens: usage.prompt_tokens_details?.cached_tokens ?? 0,
  };
}

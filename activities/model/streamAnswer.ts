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
 * @throws SegnoError `Model.StreamBroken` when the stream ends before the model finished, `Model.BadResponse` when it is none;
 *   otherwise what the client throws. `onUsage` has been called with whatever usage had arrived by then.
 */
export async function streamAnswer(
  client: OpenAI,
  params: ChatCompletionCreateParamsStreaming,
  options: { signal: AbortSignal; headers: Record<string, string>; onUsage: (usage: TokenUsage) => void },
): Promise<StreamedAnswer> {
  const { data: stream, response } = await client.chat.completions
    .create(params, { signal: options.signal, headers: options.headers })
    .withResponse();
  const mediaType = response.headers.get('content-type') ?? '';
  // A login page or an unstreamed body reads as an empty stream.
  if (/\b(json|html)\b/.test(mediaType)) {
    stream.controller.abort();
    throw new SegnoError('Model.BadResponse', `the provider answered with ${mediaType} instead of a stream`);
  }
  const answer: StreamedAnswer = { text: '', refusal: '', calls: [], finishReason: '', usage: undefined };
  for await (const chunk of stream) {
    const usage = chunk.usage ? toUsage(chunk.usage) : undefined;
    if (usage) {
      answer.usage = usage;
      options.onUsage(usage);
    }
    addChoice(answer, chunk.choices?.[0]);
  }
  // An aborted stream ends without an error.
  options.signal.throwIfAborted();
  if (answer.finishReason === '')
    throw new SegnoError('Model.StreamBroken', 'the stream ended before the answer was complete');
  // A provider that counts its calls from 1 leaves a hole.
  return { ...answer, calls: answer.calls.filter(() => true) };
}

function addChoice(answer: StreamedAnswer, choice: ChatCompletionChunk.Choice | undefined): void {
  if (!choice) return;
  const { delta } = choice;
  answer.text += delta?.content ?? '';
  answer.refusal += delta?.refusal ?? '';
  for (const part of delta?.tool_calls ?? []) {
    const call = (answer.calls[indexOf(part, answer.calls)] ??= { id: '', name: '', arguments: '' });
    call.id ||= part.id ?? '';
    call.name += part.function?.name ?? '';
    call.arguments += part.function?.arguments ?? '';
  }
  answer.finishReason = choice.finish_reason ?? answer.finishReason;
}

/** Some compatible providers leave the index out: a part with an id begins a call, one without goes on with the last. */
function indexOf({ index, id }: { index?: number; id?: string }, calls: readonly RequestedCall[]): number {
  return index ?? (id || calls.length === 0 ? calls.length : calls.length - 1);
}

/** What a provider says is taken only as far as it can be true; without a count of both sides it has said nothing. */
function toUsage(usage: NonNullable<ChatCompletionChunk['usage']>): TokenUsage | undefined {
  const inputTokens = tokens(usage.prompt_tokens);
  const outputTokens = tokens(usage.completion_tokens);
  if (inputTokens === undefined || outputTokens === undefined) return undefined;
  const cached = tokens(usage.prompt_tokens_details?.cached_tokens) ?? 0;
  return { inputTokens, outputTokens, cachedInputTokens: Math.min(cached, inputTokens) };
}

function tokens(count: unknown): number | undefined {
  return typeof count === 'number' && count >= 0 && Number.isSafeInteger(Math.ceil(count))
    ? Math.ceil(count)
    : undefined;
}

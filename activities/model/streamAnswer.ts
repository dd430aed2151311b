import type OpenAI from 'openai';
import type { ChatCompletionChunk, ChatCompletionCreateParamsStreaming } from 'openai/resources/chat/completions';
import { SegnoError } from '../../core/errors.js';
import { callsPerTurn } from '../../core/limits.js';
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
  /** What the provider calls the model that answered, and the answer; empty where it says nothing. */
  model: string;
  id: string;
  /** Undefined when the provider sends none. */
  usage: TokenUsage | undefined;
}

/** Characters of text and arguments together: what no model writes in one answer, and a worker can still hold. */
const longestAnswer = 16_000_000;

/**
 * One streamed chat completion, put together from its chunks.
 *
 * @throws SegnoError `Model.StreamBroken` when the stream ends before the model finished, `Model.BadResponse` when it is none;
 *   otherwise what the client throws. `onUsage` has been called with whatever usage had arrived by then.
 */
export async function streamAnswer(
  client: OpenAI,
  params: ChatCompletionCreateParamsStreaming,
  options: {
    signal: AbortSignal;
    headers: Record<string, string>;
    onHeaders: (headers: Headers) => void;
    onUsage: (usage: TokenUsage) => void;
  },
): Promise<StreamedAnswer> {
  const { data: stream, response } = await client.chat.completions
    .create(params, { signal: options.signal, headers: options.headers })
    .withResponse();
  options.onHeaders(response.headers);
  const mediaType = response.headers.get('content-type') ?? '';
  // A login page or an unstreamed body reads as an empty stream.
  if (/\b(json|html)\b/.test(mediaType)) {
    stream.controller.abort();
    throw new SegnoError('Model.BadResponse', `the provider answered with ${mediaType} instead of a stream`);
  }
  const answer: StreamedAnswer = {
    text: '',
    refusal: '',
    calls: [],
    finishReason: '',
    model: '',
    id: '',
    usage: undefined,
  };
  let length = 0;
  for await (const chunk of stream) {
    const usage = chunk.usage ? toUsage(chunk.usage) : undefined;
    if (usage) {
      answer.usage = usage;
      options.onUsage(usage);
    }
    answer.model ||= chunk.model ?? '';
    answer.id ||= chunk.id ?? '';
    length += addChoice(answer, chunk.choices?.[0]);
    if (length > longestAnswer) {
      stream.controller.abort();
      throw new SegnoError('Model.BadResponse', `the answer is over ${longestAnswer} characters long`);
    }
  }
  // An aborted stream ends without an error.
  options.signal.throwIfAborted();
  if (answer.finishReason === '')
    throw new SegnoError('Model.StreamBroken', 'the stream ended before the answer was complete');
  // A provider that counts its calls from 1 leaves a hole.
  return { ...answer, calls: answer.calls.filter(() => true) };
}

/** @returns how many characters it has added */
function addChoice(answer: StreamedAnswer, choice: ChatCompletionChunk.Choice | undefined): number {
  if (!choice) return 0;
  const { content, refusal, tool_calls: parts } = choice.delta ?? {};
  answer.text += content ?? '';
  answer.refusal += refusal ?? '';
  let length = (content?.length ?? 0) + (refusal?.length ?? 0);
  for (const part of parts ?? []) {
    const index = indexOf(part, answer.calls);
    if (!Number.isInteger(index) || index < 0 || index > callsPerTurn) {
      throw new SegnoError('Model.BadResponse', `the provider numbers a tool call ${index}`);
    }
    const call = (answer.calls[index] ??= { id: '', name: '', arguments: '' });
    const { name = '', arguments: text = '' } = part.function ?? {};
    call.id ||= part.id ?? '';
    call.name += name;
    call.arguments += text;
    length += name.length + text.length;
  }
  answer.finishReason = choice.finish_reason ?? answer.finishReason;
  return length;
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

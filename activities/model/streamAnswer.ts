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
/** Of a model or an answer, for traces. */
const longestName = 200;

/**
 * One streamed chat completion, put together from its chunks.
 *
 * @throws SegnoError `Model.StreamBroken` when the stream ends before the model finished, `Model.BadResponse` when it is none;
 *   otherwise what the client throws. `onUsage` has been called by then if usage had arrived after the model finished.
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
    answer.model ||= textOf(chunk.model).slice(0, longestName);
    answer.id ||= textOf(chunk.id).slice(0, longestName);
    length += addChoice(answer, chunk.choices?.[0]);
    const usage = chunk.usage ? toUsage(chunk.usage) : undefined;
    answer.usage = usage ?? answer.usage;
    // What some providers tell with every chunk is what it was so far.
    if (usage && answer.finishReason !== '') options.onUsage(usage);
    if (length > longestAnswer) {
      stream.controller.abort();
      throw new SegnoError('Model.BadResponse', `the answer is over ${longestAnswer} characters long`);
    }
  }
  // An aborted stream ends without an error.
  options.signal.throwIfAborted();
  if (answer.finishReason === '')
    throw new SegnoError('Model.StreamBroken', 'the stream ended before the answer was complete');
  if (answer.usage) options.onUsage(answer.usage);
  // A provider that counts its calls from 1 leaves a hole.
  return { ...answer, calls: answer.calls.filter(() => true) };
}

/** @returns how many characters it has added */
function addChoice(answer: StreamedAnswer, choice: ChatCompletionChunk.Choice | undefined): number {
  if (!choice) return 0;
  const { content, refusal, tool_calls: parts } = choice.delta ?? {};
  const [said, refused] = [textOf(content), textOf(refusal)];
  answer.text += said;
  answer.refusal += refused;
  let length = said.length + refused.length;
  for (const part of parts ?? []) {
    const index = indexOf(part, answer.calls);
    if (index > callsPerTurn && index === answer.calls.length) throw tooManyCalls(`more than ${callsPerTurn}`);
    if (!Number.isInteger(index) || index < 0 || index > callsPerTurn) {
      throw new SegnoError('Model.BadResponse', `the provider numbers a tool call ${index}`);
    }
    const call = (answer.calls[index] ??= { id: '', name: '', arguments: '' });
    const [id, name, text] = [textOf(part.id), textOf(part.function?.name), textOf(part.function?.arguments)];
    call.id ||= id;
    call.name += name;
    call.arguments += text;
    length += id.length + name.length + text.length;
  }
  answer.finishReason = textOf(choice.finish_reason) || answer.finishReason;
  return length;
}

/** A model that asks for so many would ask for them again: it is no outage of its provider. */
export function tooManyCalls(asked: number | string): SegnoError {
  return new SegnoError(
    'Model.InvalidOutput',
    `the model asked for ${asked} tools in one turn, and may ask for ${callsPerTurn}`,
  );
}

/** Whatever the SDK's types say, it is what the provider has sent. */
function textOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'string') return value;
  throw new SegnoError('Model.BadResponse', `the provider sent ${typeof value} where a text belongs`);
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

/** A completion as it goes over the wire: one JSON body, or the frames of a stream. */
import type { Usage } from './reply.js';
import type { ShapedMessage, WireToolCall } from './shapeMessage.js';

export interface Envelope {
  readonly id: string;
  /** Seconds since 1970. */
  readonly created: number;
  readonly model: string;
}

const minChunkLength = 24;
const maxChunks = 200;
const fingerprint = 'fp_segno_offline';

/** @param usage absent: the answer does not say */
export function completionBody(envelope: Envelope, message: ShapedMessage, usage: Usage | undefined): string {
  return JSON.stringify({
    id: envelope.id,
    object: 'chat.completion',
    created: envelope.created,
    model: envelope.model,
    system_fingerprint: fingerprint,
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: message.text,
          refusal: message.refusal,
          ...(message.calls.length === 0 ? {} : { tool_calls: message.calls.map(toWireCall) }),
        },
        logprobs: null,
        finish_reason: message.finishReason,
      },
    ],
    ...(usage && { usage: toWireUsage(usage) }),
  });
}

export interface StreamOptions {
  readonly includeUsage: boolean;
  readonly textChunks?: readonly string[];
}

/** Server-sent events, each a string that ends in an empty line; the last is `[DONE]`. */
export function streamFrames(
  envelope: Envelope,
  message: ShapedMessage,
  usage: Usage,
  { includeUsage, textChunks }: StreamOptions,
): string[] {
  const frame = (choices: unknown[], wireUsage: unknown): string =>
    toFrame({
      id: envelope.id,
      object: 'chat.completion.chunk',
      created: envelope.created,
      model: envelope.model,
      system_fingerprint: fingerprint,
      choices,
      ...(includeUsage ? { usage: wireUsage } : {}),
    });
  const delta = (content: object, finishReason: string | null = null): string =>
    frame([{ index: 0, delta: content, logprobs: null, finish_reason: finishReason }], null);

  return [
    delta({ role: 'assistant', content: message.text === null ? null : '', refusal: null }),
    ...(textChunks ?? splitText(message.text ?? '')).map((content) => delta({ content })),
    ...splitText(message.refusal ?? '').map((refusal) => delta({ refusal })),
    ...message.calls.flatMap((call, index) => callDeltas(call, index).map((part) => delta({ tool_calls: [part] }))),
    delta({}, message.finishReason),
    ...(includeUsage ? [frame([], toWireUsage(usage))] : []),
    'data: [DONE]\n\n',
  ];
}

/** Pieces of at least 24 characters, 200 of them at most; never through the middle of a character. */
export function splitText(text: string): string[] {
  const length = Math.max(minChunkLength, Math.ceil(text.length / maxChunks));
  const chunks: string[] = [];
  for (let start = 0; start < text.length;) {
    let end = start + length;
    if (isHighSurrogate(text.charCodeAt(end - 1))) end += 1;
    chunks.push(text.slice(start, end));
    start = end;
  }
  return chunks;
}

function callDeltas(call: WireToolCall, index: number): object[] {
  const opening = { index, id: call.id, type: 'function', function: { name: call.name, arguments: '' } };
  return [opening, ...splitText(call.arguments).map((part) => ({ index, function: { arguments: part } }))];
}

function toWireCall(call: WireToolCall): object {
  return { id: call.id, type: 'function', function: { name: call.name, arguments: call.arguments } };
}

function toWireUsage(usage: Usage): object {
  return {
    prompt_tokens: usage.promptTokens,
    completion_tokens: usage.completionTokens,
    total_tokens: usage.promptTokens + usage.completionTokens,
    prompt_tokens_details: { cached_tokens: usage.cachedTokens, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 },
  };
}

function toFrame(value: object): string {
  return `data: ${JSON.stringify(value)}\n\n`;
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff;
}

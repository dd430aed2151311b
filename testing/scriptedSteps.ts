/** The steps of a scripted model: what it answers, one step a call. */
import type { Usage } from '../workers/offlineModel/wire/reply.js';
import type { RecordedRequest } from './scriptedRequest.js';

export interface ScriptedToolCall {
  name: string;
  /** Any JSON. */
  arguments: unknown;
}

/** What the answer claims to have used; what is missing is counted, four bytes a token. */
export interface UsageOption {
  usage?: Partial<Usage>;
}

export type ScriptStep = (
  | { readonly kind: 'text'; readonly text: string; readonly finishReason?: 'length' | 'content_filter' }
  | { readonly kind: 'json'; readonly value: unknown }
  | { readonly kind: 'toolCalls'; readonly calls: readonly ScriptedToolCall[]; readonly text?: string }
  | {
      readonly kind: 'stream';
      readonly chunks: readonly string[];
      readonly cutAfter?: number;
      readonly delayMs?: number;
    }
  | { readonly kind: 'refusal'; readonly refusal: string }
  | {
      readonly kind: 'error';
      readonly status: number;
      readonly body?: unknown;
      readonly headers?: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'hang'; readonly headers: boolean }
) &
  Readonly<UsageOption>;

/** Decides when the call is there; what it throws answers as a 500. */
export type ScriptFunction = (request: RecordedRequest) => ScriptStep | Promise<ScriptStep>;
export type ScriptEntry = ScriptStep | ScriptFunction;

/** `finishReason: 'length'` says that it was cut at the output limit. */
export function text(
  content: string,
  options: UsageOption & { finishReason?: 'length' | 'content_filter' } = {},
): ScriptStep {
  return { kind: 'text', text: content, ...options };
}

/** The value as JSON: the answer to a request with a schema. Nothing checks that it matches. */
export function json(value: unknown, options: UsageOption = {}): ScriptStep {
  return { kind: 'json', value, ...options };
}

export function toolCalls(
  calls: readonly ScriptedToolCall[],
  options: UsageOption & { text?: string } = {},
): ScriptStep {
  return { kind: 'toolCalls', calls, ...options };
}

/**
 * A text in these very pieces, when the client streams.
 *
 * @param options `cutAfter`: so many pieces go out, then the connection is closed; `delayMs`: wait between two pieces
 */
export function streamOf(
  chunks: readonly string[],
  options: UsageOption & { cutAfter?: number; delayMs?: number } = {},
): ScriptStep {
  return { kind: 'stream', chunks, ...options };
}

export function refusal(reason: string, options: UsageOption = {}): ScriptStep {
  return { kind: 'refusal', refusal: reason, ...options };
}

/**
 * @param body sent as it is, JSON unless it is a string; absent, an error body in OpenAI's shape
 * @param headers for example `{ 'retry-after': '1' }`
 */
export function error(status: number, body?: unknown, headers?: Readonly<Record<string, string>>): ScriptStep {
  return { kind: 'error', status, ...(body === undefined ? {} : { body }), ...(headers ? { headers } : {}) };
}

/** No answer until the client gives up or the model is closed; `headers: false` keeps back even the status line. */
export function hang(options: { headers?: boolean } = {}): ScriptStep {
  return { kind: 'hang', headers: options.headers ?? true };
}

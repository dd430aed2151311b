import type { ModelAnswer } from '../types.js';
import type { ChatRequest } from './readChatRequest.js';
import type { WireError } from './wireError.js';

/** One request on its way to a brain. */
export interface WireCall extends ChatRequest {
  /** Counts the well-formed completion requests of this server, from 1, in order of arrival. */
  readonly ordinal: number;
  /** Lower-case names; without `authorization`. */
  readonly headers: Readonly<Record<string, string>>;
}

export type FinishReason = 'stop' | 'length' | 'tool_calls' | 'content_filter';

/** What a model says; `refusal` in place of an answer. */
export type Utterance = ModelAnswer | { readonly kind: 'refusal'; readonly refusal: string };

export interface MessageReply {
  readonly kind: 'message';
  readonly utterance: Utterance;
  /** Overrides what follows from the utterance. */
  readonly finishReason?: FinishReason;
  /** Overrides what the counting rule says. */
  readonly usage?: Partial<Usage>;
  /** What the answer says of its usage where that is not true: so many times of it, or not a word. */
  readonly usageTold?: { readonly times: number } | 'nothing';
  /** How a stream cuts the text; otherwise into even pieces. */
  readonly textChunks?: readonly string[];
  /** Wait between two frames of a stream, or two pieces of a body. */
  readonly frameDelayMs?: number;
  /** The share of the answer's tokens that is said, from 0 to 1; the rest is dropped. Default 1. */
  readonly keep?: number;
  /** What should be JSON (the text, the arguments of calls) breaks off in the middle. */
  readonly brokenContent?: boolean;
  /** Stops before the answer is complete. */
  readonly cut?: Cut;
  /** One of the frames (or the body) is no JSON. */
  readonly malformed?: boolean;
}

export interface Cut {
  /** Frames that still go out; otherwise half of them. A body counts as two. */
  readonly afterFrames?: number;
  /** `destroy` closes the connection; `end` ends the response as if nothing were missing. */
  readonly how: 'destroy' | 'end';
}

export interface ErrorReply {
  readonly kind: 'error';
  readonly error: WireError;
}

/** Nothing comes: with `headers`, after the status line and the headers; otherwise not even these. */
export interface HangReply {
  readonly kind: 'hang';
  readonly headers: boolean;
}

/** The connection is reset before a byte of the response. */
export interface ResetReply {
  readonly kind: 'reset';
}

export type WireReply = (MessageReply | ErrorReply | HangReply | ResetReply) & {
  /** The fault that made it what it is, for the statistics. */
  readonly fault?: string;
};

/** In tokens. */
export interface Usage {
  readonly promptTokens: number;
  /** The part of the prompt tokens that was read from the prompt cache. */
  readonly cachedTokens: number;
  readonly completionTokens: number;
}

/** What answers: rules, or a script. What it throws becomes a 500. */
export type Brain = (call: WireCall) => WireReply | Promise<WireReply>;

/**
 * What of a reply is sent, in which pieces, how fast, and how it ends: plain data, so that faults need no socket to be tested.
 */
import { completionBody, streamFrames } from './frames.js';
import type { Envelope } from './frames.js';
import type { MessageReply, Usage, WireCall, WireReply } from './reply.js';
import type { ShapedMessage } from './shapeMessage.js';

export interface Delivery {
  /** Absent: not even a status line is sent. */
  readonly head?: { readonly status: number; readonly headers: Readonly<Record<string, string>> };
  readonly frames: readonly string[];
  /** `hang` waits for the client to go away. */
  readonly ending: 'end' | 'destroy' | 'hang';
  /** Whether the frames are the whole answer. */
  readonly complete: boolean;
  readonly frameDelayMs: number;
}

const streamHeaders = { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' };
const jsonHeaders = { 'content-type': 'application/json' };
const slowBodyPieces = 10;

/** A delivery without frames of its own: an error, a silence, a reset. */
export function planFailure(call: Pick<WireCall, 'stream'>, reply: Exclude<WireReply, MessageReply>): Delivery {
  const nothing = { frames: [], frameDelayMs: 0, complete: false };
  if (reply.kind === 'reset') return { ...nothing, ending: 'destroy' };
  if (reply.kind === 'hang') {
    const head = { status: 200, headers: call.stream ? streamHeaders : jsonHeaders };
    return { ...nothing, ...(reply.headers ? { head } : {}), ending: 'hang' };
  }
  const { status, headers, body } = reply.error;
  const isText = typeof body === 'string';
  const type = isText ? 'text/plain; charset=utf-8' : 'application/json';
  return {
    head: { status, headers: { 'content-type': type, ...headers } },
    frames: [isText ? body : JSON.stringify(body)],
    ending: 'end',
    complete: true,
    frameDelayMs: 0,
  };
}

export function planMessage(
  call: Pick<WireCall, 'stream' | 'includeUsage'>,
  reply: MessageReply,
  envelope: Envelope,
  message: ShapedMessage,
  usage: Usage,
): Delivery {
  const told = toldUsage(usage, reply.usageTold);
  const whole = call.stream
    ? streamFrames(envelope, message, told ?? usage, {
        includeUsage: call.includeUsage && told !== undefined,
        ...(reply.textChunks?.join('') === message.text ? { textChunks: reply.textChunks } : {}),
      })
    : splitBody(completionBody(envelope, message, told), reply);
  const frames = reply.malformed === true ? breakFrame(whole) : whole;
  const { cut } = reply;
  return {
    head: { status: 200, headers: call.stream ? streamHeaders : jsonHeaders },
    frames: cut === undefined ? frames : frames.slice(0, cut.afterFrames ?? Math.ceil(frames.length / 2)),
    ending: cut?.how === 'destroy' ? 'destroy' : 'end',
    complete: cut === undefined,
    frameDelayMs: reply.frameDelayMs ?? 0,
  };
}

function toldUsage(usage: Usage, told: MessageReply['usageTold']): Usage | undefined {
  if (told === undefined) return usage;
  if (told === 'nothing') return undefined;
  const times = (tokens: number): number => Math.round(tokens * told.times);
  return {
    promptTokens: times(usage.promptTokens),
    cachedTokens: times(usage.cachedTokens),
    completionTokens: times(usage.completionTokens),
  };
}

function splitBody(body: string, reply: MessageReply): string[] {
  if (reply.cut === undefined && !reply.frameDelayMs) return [body];
  const pieces = reply.cut === undefined ? slowBodyPieces : 2;
  const length = Math.ceil(body.length / pieces);
  return Array.from({ length: pieces }, (_, i) => body.slice(i * length, (i + 1) * length)).filter(Boolean);
}

/** Takes the closing braces from the middle one; a stream's others stay whole. */
function breakFrame(frames: readonly string[]): string[] {
  const broken = Math.floor((frames.length - 1) / 2);
  return frames.map((frame, i) => (i === broken ? frame.replace(/\}+\]?\}*(\n*)$/, '$1') : frame));
}

/**
 * From what the model says to the message of the wire, within the request's limits.
 *
 * Invariants:
 * 1. The message's tokens never exceed `maxTokens`; when something had to go, `finishReason` is `length`.
 * 2. A call's id follows from the request and the call's place, so that the same request gives the same ids and two turns
 *    of a conversation never share one.
 */
import { createHash } from 'node:crypto';
import { bytesPerToken, countTokens } from './countTokens.js';
import type { ChatRequest } from './readChatRequest.js';
import type { FinishReason, MessageReply, Utterance } from './reply.js';

export interface WireToolCall {
  readonly id: string;
  readonly name: string;
  /** JSON, unless it was cut. */
  readonly arguments: string;
}

export interface ShapedMessage {
  /** Null when it says nothing in words. */
  readonly text: string | null;
  readonly refusal: string | null;
  readonly calls: readonly WireToolCall[];
  readonly finishReason: FinishReason;
}

export function shapeMessage(chat: ChatRequest, reply: MessageReply): ShapedMessage {
  const whole = stopAt(toMessage(chat, reply.utterance), chat.stop);
  const spoken = reply.brokenContent === true ? breakContent(whole) : whole;
  const kept = reply.keep === undefined ? Infinity : Math.floor(countCompletionTokens(spoken) * reply.keep);
  const limited = limitTokens(spoken, Math.min(chat.maxTokens ?? Infinity, kept));
  return reply.finishReason === undefined ? limited : { ...limited, finishReason: reply.finishReason };
}

export function countCompletionTokens(message: ShapedMessage): number {
  const calls = message.calls.reduce((sum, call) => sum + countTokens(call.name) + countTokens(call.arguments), 0);
  return countTokens(message.text ?? '') + countTokens(message.refusal ?? '') + calls;
}

/** The longest start of the text with at most so many tokens, whole characters only. */
export function takeTokens(text: string, tokens: number): string {
  let bytes = 0;
  let end = 0;
  for (const character of text) {
    bytes += Buffer.byteLength(character, 'utf8');
    if (bytes > tokens * bytesPerToken) break;
    end += character.length;
  }
  return text.slice(0, end);
}

function toMessage(chat: ChatRequest, utterance: Utterance): ShapedMessage {
  if (utterance.kind === 'refusal') {
    return { text: null, refusal: utterance.refusal, calls: [], finishReason: 'stop' };
  }
  if (utterance.kind === 'text') return { text: utterance.text, refusal: null, calls: [], finishReason: 'stop' };
  const wanted = chat.parallelToolCalls ? utterance.calls : utterance.calls.slice(0, 1);
  const digest = createHash('sha256').update(JSON.stringify(chat.request.messages)).digest('hex');
  const calls = wanted.map((call, index) => ({
    id: `call_${digest.slice(0, 20)}${index.toString(16).padStart(4, '0')}`,
    name: call.name,
    arguments: JSON.stringify(call.arguments),
  }));
  return { text: utterance.text ?? null, refusal: null, calls, finishReason: 'tool_calls' };
}

function stopAt(message: ShapedMessage, stop: readonly string[]): ShapedMessage {
  const { text } = message;
  if (text === null || stop.length === 0) return message;
  const places = stop.map((sequence) => text.indexOf(sequence)).filter((place) => place >= 0);
  return places.length === 0 ? message : { ...message, text: text.slice(0, Math.min(...places)) };
}

/** The proper start of a JSON object or list is never JSON. */
function breakContent(message: ShapedMessage): ShapedMessage {
  const half = (text: string): string => text.slice(0, Math.floor(text.length / 2));
  const calls = message.calls.map((call) => ({ ...call, arguments: half(call.arguments) }));
  return { ...message, text: message.text === null ? null : half(message.text), calls };
}

function limitTokens(message: ShapedMessage, maxTokens: number): ShapedMessage {
  if (countCompletionTokens(message) <= maxTokens) return message;
  let left = maxTokens;
  const take = (text: string): string => {
    const taken = takeTokens(text, left);
    left -= countTokens(taken);
    return taken;
  };
  const text = message.text === null ? null : take(message.text);
  const refusal = message.refusal === null ? null : take(message.refusal);
  const calls: WireToolCall[] = [];
  for (const call of message.calls) {
    if (countTokens(call.name) > left) break;
    left -= countTokens(call.name);
    calls.push({ ...call, arguments: take(call.arguments) });
  }
  return { text, refusal, calls, finishReason: 'length' };
}

import { errorFaults } from '../../../core/chaos/fault.js';
import type { ErrorFaultKind, Fault } from '../../../core/chaos/fault.js';
import type { ModelRequest } from '../types.js';
import type { MessageReply, WireReply } from '../wire/reply.js';
import { wireError } from '../wire/wireError.js';
import { spoilOutput } from './spoilOutput.js';

const defaultRetryAfterSeconds = 1;
const defaultSlowMs = 100;
const cutShare = 0.5;
const toldAs = { more: { times: 10 }, less: { times: 0.1 }, nothing: 'nothing' } as const;

/** What becomes of an answer under a fault. */
export function applyFault(reply: MessageReply, fault: Fault, request: ModelRequest): WireReply {
  return { ...spoil(reply, fault, request), fault: fault.kind };
}

function spoil(reply: MessageReply, fault: Fault, request: ModelRequest): WireReply {
  switch (fault.kind) {
    case 'stall':
      return { kind: 'hang', headers: fault.headers ?? true };
    case 'reset':
      return { kind: 'reset' };
    case 'slow':
      return { ...reply, frameDelayMs: fault.delayMs ?? defaultSlowMs };
    case 'cut': {
      const how = fault.how ?? 'destroy';
      return { ...reply, cut: fault.afterFrames === undefined ? { how } : { how, afterFrames: fault.afterFrames } };
    }
    case 'malformed':
      return { ...reply, malformed: true };
    case 'malformed-content':
      return { ...reply, brokenContent: true };
    case 'refusal':
      return { ...reply, utterance: { kind: 'refusal', refusal: "I'm sorry, but I can't help with that." } };
    case 'length':
    case 'content_filter':
      return { ...reply, keep: cutShare, finishReason: fault.kind };
    case 'invalid-output':
      return { ...reply, utterance: spoilOutput(reply.utterance, request) };
    case 'wrong-usage':
      return { ...reply, usageTold: toldAs[fault.says ?? 'more'] };
    default:
      return errorReply(fault.kind, fault.retryAfterSeconds);
  }
}

function errorReply(kind: ErrorFaultKind, retryAfterSeconds: number | undefined): WireReply {
  const { status, message, ...rest } = errorFaults[kind];
  const wanted = retryAfterSeconds ?? (kind === '429' ? defaultRetryAfterSeconds : undefined);
  const headers = wanted === undefined ? {} : retryAfterHeaders(wanted);
  return { kind: 'error', error: wireError(status, `${message} (on demand)`, { ...rest, headers }) };
}

/** `Retry-After` knows whole seconds only; `retry-after-ms` is what OpenAI's clients read first. */
function retryAfterHeaders(seconds: number): Record<string, string> {
  const whole = { 'retry-after': String(Math.ceil(seconds)) };
  return Number.isInteger(seconds) ? whole : { ...whole, 'retry-after-ms': String(Math.round(seconds * 1_000)) };
}

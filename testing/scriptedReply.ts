import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { MessageReply, Utterance, WireReply } from '../workers/offlineModel/wire/reply.js';
import { wireError } from '../workers/offlineModel/wire/wireError.js';
import type { ScriptEntry, ScriptStep } from './scriptedSteps.js';

/** What a step becomes on the wire. */
export function toReply(step: ScriptStep): WireReply {
  switch (step.kind) {
    case 'error':
      return errorReply(step.status, step.body, step.headers ?? {});
    case 'hang':
      return { kind: 'hang', headers: step.headers };
    case 'text':
      return say(step, step, step.finishReason === undefined ? {} : { finishReason: step.finishReason });
    case 'json':
      return say(step, { kind: 'text', text: JSON.stringify(step.value) });
    case 'stream':
      return say(step, { kind: 'text', text: step.chunks.join('') }, streamed(step));
    case 'toolCalls':
    case 'refusal':
      return say(step, step);
  }
}

/** One line for error messages. */
export function describeEntry(entry: ScriptEntry): string {
  if (typeof entry === 'function') return `a function${entry.name ? ` ${entry.name}` : ''}`;
  switch (entry.kind) {
    case 'text':
      return `text ${excerpt(entry.text)}`;
    case 'json':
      return `json ${excerpt(entry.value)}`;
    case 'toolCalls':
      return `toolCalls ${entry.calls.map((call) => call.name).join(', ')}`;
    case 'stream':
      return `streamOf ${entry.chunks.length} pieces`;
    case 'refusal':
      return `refusal ${excerpt(entry.refusal)}`;
    case 'error':
      return `error ${entry.status}`;
    case 'hang':
      return 'hang';
  }
}

function say(step: ScriptStep, utterance: Utterance, options: Partial<MessageReply> = {}): MessageReply {
  return { kind: 'message', utterance, ...options, ...(step.usage === undefined ? {} : { usage: step.usage }) };
}

function streamed(step: Extract<ScriptStep, { kind: 'stream' }>): Partial<MessageReply> {
  return {
    textChunks: step.chunks,
    ...(step.delayMs === undefined ? {} : { frameDelayMs: step.delayMs }),
    // The first frame carries the role, no text.
    ...(step.cutAfter === undefined ? {} : { cut: { how: 'destroy', afterFrames: step.cutAfter + 1 } }),
  };
}

function errorReply(status: number, body: unknown, headers: Readonly<Record<string, string>>): WireReply {
  const error = wireError(status as ContentfulStatusCode, `Scripted error ${status}.`, { headers });
  return { kind: 'error', error: body === undefined ? error : { ...error, body } };
}

function excerpt(value: unknown): string {
  const written = JSON.stringify(value) ?? 'undefined';
  return written.length > 60 ? `${written.slice(0, 60)}…` : written;
}

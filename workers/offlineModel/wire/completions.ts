/**
 * `POST /v1/chat/completions`: from the first byte of the request to the last byte of the answer.
 *
 * Invariant: every request that comes in is counted out exactly once, whoever ends it.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { countPromptTokens } from './countTokens.js';
import { deliver } from './deliver.js';
import { planFailure, planMessage } from './planDelivery.js';
import type { Delivery } from './planDelivery.js';
import { createPromptCache } from './promptCache.js';
import { readBody } from './readBody.js';
import { readChatRequest } from './readChatRequest.js';
import type { Brain, ErrorReply, MessageReply, Usage, WireCall, WireReply } from './reply.js';
import { countCompletionTokens, shapeMessage } from './shapeMessage.js';
import type { Outcome, StatsKeeper } from './stats.js';
import { isWireError, unknownModel, wireError } from './wireError.js';
import type { WireError } from './wireError.js';
import type { WireOptions } from './wireOptions.js';

export interface Completions {
  handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void>;
  /** Breaks off whatever is being answered. */
  abort(): void;
}

interface PlannedAnswer {
  readonly delivery: Delivery;
  readonly firstDelayMs: number;
  /** Of an answer; errors have none. */
  readonly usage?: Usage;
}

const defaultMaxBodyBytes = 8 * 1024 * 1024;
const maxHangMs = 10 * 60_000;

export function createCompletions(brain: Brain, options: WireOptions, stats: StatsKeeper): Completions {
  const open = new Set<AbortController>();
  const countCachedTokens = createPromptCache();
  const maxBodyBytes = options.maxBodyBytes ?? defaultMaxBodyBytes;
  let ordinal = 0;

  async function handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const life = new AbortController();
    const count = stats.begin(readKey(incoming.headers));
    let outcome: Outcome = 'clientGone';
    let usage: Usage | undefined;
    open.add(life);
    outgoing.once('close', () => life.abort());
    try {
      const planned = await answer(incoming);
      usage = planned.usage;
      const { delivery, firstDelayMs } = planned;
      const onHead = (status: number): void => count.status(status);
      const ending = await deliver(outgoing, delivery, { firstDelayMs, signal: life.signal, maxHangMs, onHead });
      if (ending === 'ended') outcome = !delivery.complete ? 'broken' : usage ? 'completed' : 'failed';
      if (ending === 'broken' || life.signal.reason === 'closing') outcome = 'broken';
    } catch {
      // The socket failed under us: what can be told, the count tells.
      outgoing.destroy();
    } finally {
      open.delete(life);
      count.end(outcome, usage);
    }
  }

  async function answer(incoming: IncomingMessage): Promise<PlannedAnswer> {
    const text = await readBody(incoming, maxBodyBytes);
    const call = text === undefined ? tooLarge(maxBodyBytes) : readCall(text, incoming.headers);
    if (isWireError(call)) return plainAnswer(planFailure({ stream: false }, { kind: 'error', error: call }));
    const reply = await ask(brain, call);
    if (reply.fault !== undefined) stats.fault(reply.fault);
    if (reply.kind !== 'message') return plainAnswer(planFailure(call, reply));
    return planAnswer(call, reply);
  }

  function readCall(text: string, headers: IncomingHttpHeaders): WireCall | WireError {
    const chat = readChatRequest(text);
    if (isWireError(chat)) return chat;
    if (options.models?.includes(chat.model) === false) return unknownModel(chat.model);
    const problem = findContextProblem(countPromptTokens(chat.request), options.contextTokens);
    if (problem) return problem;
    ordinal += 1;
    return { ...chat, ordinal, headers: withoutSecrets(headers) };
  }

  function planAnswer(call: WireCall, reply: MessageReply): PlannedAnswer {
    const message = shapeMessage(call, reply);
    const usage: Usage = {
      promptTokens: countPromptTokens(call.request),
      cachedTokens: countCachedTokens(call.request),
      completionTokens: countCompletionTokens(message),
      ...reply.usage,
    };
    const envelope = {
      id: `chatcmpl-${randomUUID().replaceAll('-', '')}`,
      created: Math.floor(Date.now() / 1_000),
      model: call.model,
    };
    const spokenMs = options.tokensPerSecond ? (usage.completionTokens / options.tokensPerSecond) * 1_000 : 0;
    const planned = planMessage(call, reply, envelope, message, usage);
    const pauses = Math.max(1, planned.frames.length - 1);
    const frameDelayMs = planned.frameDelayMs || (call.stream ? spokenMs / pauses : 0);
    const firstDelayMs = (options.latencyMs ?? 0) + (call.stream ? 0 : spokenMs);
    return { delivery: { ...planned, frameDelayMs }, firstDelayMs, usage };
  }

  return {
    handle,
    abort: () => {
      for (const life of open) life.abort('closing');
    },
  };
}

async function ask(brain: Brain, call: WireCall): Promise<WireReply> {
  try {
    return await brain(call);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { kind: 'error', error: wireError(500, `The model failed: ${reason}`) } satisfies ErrorReply;
  }
}

function plainAnswer(delivery: Delivery): PlannedAnswer {
  return { delivery, firstDelayMs: 0 };
}

function tooLarge(maxBodyBytes: number): WireError {
  return wireError(413, `The request body is over the limit of ${maxBodyBytes} bytes.`, { code: 'request_too_large' });
}

function findContextProblem(promptTokens: number, contextTokens: number | undefined): WireError | undefined {
  if (contextTokens === undefined || promptTokens <= contextTokens) return undefined;
  return wireError(
    400,
    `This model's maximum context length is ${contextTokens} tokens. However, your messages resulted in ${promptTokens} tokens.`,
    { param: 'messages', code: 'context_length_exceeded' },
  );
}

function withoutSecrets(headers: IncomingHttpHeaders): Record<string, string> {
  const kept = Object.keys(headers).filter((name) => name !== 'authorization' && name !== 'cookie');
  return Object.fromEntries(kept.map((name) => [name, readHeader(headers, name) ?? '']));
}

/** OpenAI's own header for a client's id of the request serves as well. */
function readKey(headers: IncomingHttpHeaders): string | undefined {
  return readHeader(headers, 'x-request-key') ?? readHeader(headers, 'x-client-request-id');
}

function readHeader(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}

/**
 * A model that says what the test wrote down, over the real wire: the client under test is not mocked.
 *
 * Invariants:
 * 1. A call takes exactly one step, in order of arrival (by agent, when the script is a record); one that an injected fault spoils
 *    takes none.
 * 2. A call no step is left for gets a 400, which no client tries again, and makes `assertDone()` fail.
 * 3. Every well-formed call is recorded, the unexpected ones too.
 */
import type { Fault } from '../core/chaos/fault.js';
import { applyFault } from '../workers/offlineModel/faults/applyFault.js';
import type { Brain } from '../workers/offlineModel/wire/reply.js';
import { serveWire } from '../workers/offlineModel/wire/serveWire.js';
import type { WireStats } from '../workers/offlineModel/wire/stats.js';
import { wireError } from '../workers/offlineModel/wire/wireError.js';
import type { TestChaos } from './chaos.js';
import { describeEntry, toReply } from './scriptedReply.js';
import { agentHeader, describeRequest, recordRequest } from './scriptedRequest.js';
import type { RecordedRequest } from './scriptedRequest.js';
import type { ScriptEntry, ScriptFunction } from './scriptedSteps.js';

/** A list is used up step by step; a bare function answers any number of calls. */
export type ScriptPart = readonly ScriptEntry[] | ScriptFunction;
/** Keyed by agent (the request header `x-segno-agent`) for agents that call at the same time. */
export type Script = ScriptPart | Readonly<Record<string, ScriptPart>>;

export interface ScriptedModelOptions {
  /** 0, the default, takes a free one. */
  port?: number;
  /** Asked of every call; without it any key will do. */
  apiKey?: string;
  /** Wait before the first byte of an answer. Default 0. */
  latencyMs?: number;
  /** Faults on the way: a call that gets no answer, or a spoilt one, leaves its step to the next. */
  chaos?: TestChaos;
}

export interface ScriptedModel {
  /** What a client takes as its `baseURL`: it ends in `/v1`. */
  readonly url: string;
  readonly requests: readonly RecordedRequest[];
  stats(): WireStats;
  /** @throws Error that lists unexpected calls and steps nobody asked for */
  assertDone(): void;
  close(): Promise<void>;
}

/** Starts a scripted model on 127.0.0.1; any model name will do. */
export async function scriptedModel(script: Script, options: ScriptedModelOptions = {}): Promise<ScriptedModel> {
  const requests: RecordedRequest[] = [];
  const unexpected: string[] = [];
  const queues = createQueues(script);

  const brain: Brain = async (call) => {
    const request = recordRequest(call);
    requests.push(request);
    const fault = options.chaos?.decide.atProvider(request.model, Date.now());
    const entry = fault && !isAnswer(fault) ? queues.peek(request.agent) : queues.take(request.agent);
    if (typeof entry === 'string') {
      const message = `${describeRequest(request)}; ${entry}`;
      unexpected.push(message);
      return { kind: 'error', error: wireError(400, `Unexpected ${message}`, { code: 'script_unexpected_call' }) };
    }
    const reply = toReply(typeof entry === 'function' ? await entry(request) : entry);
    return fault && reply.kind === 'message' ? applyFault(reply, fault, call.request) : reply;
  };

  const { chaos: _, ...wire } = options;
  const server = await serveWire(brain, wire);
  return {
    url: server.url,
    requests,
    stats: () => server.stats.read(),
    assertDone: () => assertDone(unexpected, queues.leftovers(), requests),
    close: () => server.close(),
  };
}

/** Whether the client takes the answer for one under this fault. */
function isAnswer({ kind }: Fault): boolean {
  return kind === 'slow' || kind === 'wrong-usage';
}

interface Queues {
  /** The next entry, or why there is none. */
  take(agent: string | undefined): ScriptEntry | string;
  /** The same, without using it up. */
  peek(agent: string | undefined): ScriptEntry | string;
  leftovers(): string[];
}

function createQueues(script: Script): Queues {
  const isShared = typeof script === 'function' || Array.isArray(script);
  const parts = new Map<string, ScriptPart>(isShared ? [['', script as ScriptPart]] : Object.entries(script));
  const used = new Map<string, number>();

  function next(agent: string | undefined, step: 0 | 1): ScriptEntry | string {
    const key = isShared ? '' : (agent ?? '');
    const part = parts.get(key);
    if (part === undefined) {
      const known = [...parts.keys()].join(', ') || 'none';
      return agent === undefined ? `it has no header ${agentHeader}` : `the script knows the agents ${known}`;
    }
    if (typeof part === 'function') return part;
    const position = used.get(key) ?? 0;
    used.set(key, position + step);
    return part[position] ?? `all ${part.length} steps of the script were used`;
  }

  function leftovers(): string[] {
    return [...parts].flatMap(([agent, part]) => {
      if (typeof part === 'function') return [];
      const of = isShared ? '' : ` of agent '${agent}'`;
      const position = used.get(agent) ?? 0;
      return part.slice(position).map((entry, i) => `step ${position + i + 1}${of}: ${describeEntry(entry)}`);
    });
  }

  return { take: (agent) => next(agent, 1), peek: (agent) => next(agent, 0), leftovers };
}

function assertDone(unexpected: readonly string[], leftovers: readonly string[], requests: readonly RecordedRequest[]) {
  if (unexpected.length === 0 && leftovers.length === 0) return;
  const came = requests.map(describeRequest);
  throw new Error(
    [
      ...section('Unexpected calls', unexpected),
      ...section('Expected, but never asked for', leftovers),
      ...section('What came', came.length === 0 ? ['nothing'] : came),
    ].join('\n'),
  );
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`${title}:`, ...lines.map((line) => `  ${line}`)];
}

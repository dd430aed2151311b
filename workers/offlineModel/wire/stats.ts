/**
 * What the server has served, so that a test can compare it with what a client believes.
 *
 * Invariants:
 * 1. Every completion request is counted once in `requests` and ends up once in `completed`, `failed`, `clientGone` or
 *    `broken`; until then it is in `inFlight`.
 * 2. Tokens are those of completed answers only. Completed means: handed to the operating system to the last byte. A client
 *    that dies after that, with the answer unread, is not seen.
 * 3. Keys are bounded: beyond `maxKeys` the oldest go, and `droppedKeys` says how many.
 */
import type { Usage } from './reply.js';

export interface ServedCounts {
  /** `POST /v1/chat/completions`, whatever became of them. */
  readonly requests: number;
  readonly inFlight: number;
  /** Answers sent to their end. */
  readonly completed: number;
  /** Error bodies sent to their end. */
  readonly failed: number;
  /** The client closed the connection before the end. */
  readonly clientGone: number;
  /** This server ended the answer early: a fault, or its own shutdown. */
  readonly broken: number;
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly completionTokens: number;
}

export interface WireStats extends ServedCounts {
  /** By the status that was sent; requests that got none are missing. */
  readonly byStatus: Readonly<Record<string, number>>;
  /** By the name of the fault that was applied. */
  readonly faults: Readonly<Record<string, number>>;
  /** By the request header `x-request-key`, or else `x-client-request-id`. */
  readonly byKey: Readonly<Record<string, ServedCounts>>;
  readonly droppedKeys: number;
}

export type Outcome = 'completed' | 'failed' | 'clientGone' | 'broken';

/** One request on its way; `end` counts once, whoever calls it first. */
export interface RequestCount {
  status(status: number): void;
  end(outcome: Outcome, usage?: Usage): void;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
const maxKeys = 10_000;

export class StatsKeeper {
  readonly #total = noCounts();
  readonly #byStatus = new Map<string, number>();
  readonly #faults = new Map<string, number>();
  readonly #byKey = new Map<string, Mutable<ServedCounts>>();
  #droppedKeys = 0;

  begin(key: string | undefined): RequestCount {
    const counts = key === undefined ? [this.#total] : [this.#total, this.#countsOf(key)];
    for (const count of counts) {
      count.requests += 1;
      count.inFlight += 1;
    }
    let ended = false;
    return {
      status: (status) => increment(this.#byStatus, String(status)),
      end: (outcome, usage) => {
        if (ended) return;
        ended = true;
        for (const count of counts) settle(count, outcome, usage);
      },
    };
  }

  fault(name: string): void {
    increment(this.#faults, name);
  }

  read(): WireStats {
    return {
      ...this.#total,
      byStatus: Object.fromEntries(this.#byStatus),
      faults: Object.fromEntries(this.#faults),
      byKey: Object.fromEntries([...this.#byKey].map(([key, counts]) => [key, { ...counts }])),
      droppedKeys: this.#droppedKeys,
    };
  }

  #countsOf(key: string): Mutable<ServedCounts> {
    const known = this.#byKey.get(key);
    if (known) return known;
    const counts = noCounts();
    this.#byKey.set(key, counts);
    if (this.#byKey.size > maxKeys) {
      this.#byKey.delete(this.#byKey.keys().next().value!);
      this.#droppedKeys += 1;
    }
    return counts;
  }
}

function settle(counts: Mutable<ServedCounts>, outcome: Outcome, usage: Usage | undefined): void {
  counts.inFlight -= 1;
  counts[outcome] += 1;
  if (outcome !== 'completed' || usage === undefined) return;
  counts.promptTokens += usage.promptTokens;
  counts.cachedTokens += usage.cachedTokens;
  counts.completionTokens += usage.completionTokens;
}

function noCounts(): Mutable<ServedCounts> {
  return {
    requests: 0,
    inFlight: 0,
    completed: 0,
    failed: 0,
    clientGone: 0,
    broken: 0,
    promptTokens: 0,
    cachedTokens: 0,
    completionTokens: 0,
  };
}

function increment(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/**
 * The model of a chaos test: the offline model's wire and answers, in the test's own process.
 *
 * Invariants:
 * 1. It outlives every kill, and so knows what was really asked and answered.
 * 2. A request it holds is not answered before it is released: a kill in between hits the middle of that call.
 */
import { answer } from '../../workers/offlineModel/answer/index.js';
import { serveWire } from '../../workers/offlineModel/wire/serveWire.js';
import type { WireStats } from '../../workers/offlineModel/wire/stats.js';

/** One request, as it arrived. */
export interface ModelRequestSeen {
  /** `runId/path#epoch` */
  readonly key: string;
  readonly atMs: number;
}

export interface ModelServer {
  readonly url: string;
  readonly seen: readonly ModelRequestSeen[];
  stats(): WireStats;
  /** Answer no request of this step, of whichever run and attempt. */
  hold(path: string): void;
  /** Resolves with the first request of this step, also when it has come already. */
  asked(stepKey: string): Promise<ModelRequestSeen>;
  releaseAll(): void;
  close(): Promise<void>;
}

const stepKeyOf = (requestKey: string): string => requestKey.slice(0, requestKey.lastIndexOf('#'));
const pathOf = (requestKey: string): string => stepKeyOf(requestKey).slice(requestKey.indexOf('/') + 1);

/** @param options.tokensPerSecond how fast an answer streams */
export async function startModelServer(options: { tokensPerSecond?: number } = {}): Promise<ModelServer> {
  const seen: ModelRequestSeen[] = [];
  const held = new Set<string>();
  let changed = deferred();
  const announce = (): void => {
    changed.resolve();
    changed = deferred();
  };
  const wire = await serveWire(async ({ headers, request }) => {
    const key = headers['x-client-request-id'] ?? '';
    seen.push({ key, atMs: Date.now() });
    announce();
    while (held.has(pathOf(key))) await changed.promise;
    return { kind: 'message', utterance: answer({ seed: 0, ...request }) };
  }, options);
  return {
    url: wire.url,
    seen,
    stats: () => wire.stats.read(),
    hold: (path) => void held.add(path),
    async asked(stepKey) {
      for (;;) {
        const found = seen.find(({ key }) => stepKeyOf(key) === stepKey);
        if (found) return found;
        await changed.promise;
      }
    },
    releaseAll() {
      held.clear();
      announce();
    },
    close: () => wire.close(),
  };
}

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}

/** Ctrl-C and its kin: the first asks for an orderly stop, the second forces it. */

export interface StopRequest {
  /** Aborted at the first signal. */
  readonly stop: AbortSignal;
  /** Aborted at the second. */
  readonly force: AbortSignal;
  /** Take the listeners back. */
  close(): void;
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export function listenForStop(onFirst: () => void): StopRequest {
  const stop = new AbortController();
  const force = new AbortController();
  const listener = (): void => {
    if (stop.signal.aborted) {
      force.abort();
      return;
    }
    onFirst();
    stop.abort();
  };
  for (const signal of signals) process.on(signal, listener);
  return {
    stop: stop.signal,
    force: force.signal,
    close: () => signals.forEach((signal) => void process.off(signal, listener)),
  };
}

/** Resolves when the signal is aborted. */
export async function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

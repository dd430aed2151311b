/**
 * Keeps a set of child processes running: starts them in order, restarts what dies, stops them in reverse.
 *
 * Invariants:
 * 1. A child is started when all it comes after are ready, and not before; what is independent starts at once, and so does
 *    what can prepare itself (`connections`), which is told of the others when they are ready.
 * 2. `record` is called in the same tick as every spawn: a supervisor that is killed leaves no child nobody knows of.
 * 3. After `stop` or `kill` has begun nothing is started any more.
 * 4. A child is stopped when all that come after it have ended.
 */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { SegnoError } from '../../core/errors.js';
import type { ProcessIdentity } from '../processIdentity.js';
import type { ChildSpec, ReadyChildren, ReadyFacts } from './childSpec.js';
import { signalProcess } from './endProcess.js';
import { maxRestarts, restartDelayMs, stableAfterMs } from './restartDelay.js';
import { startChild, type ChildExit, type RunningChild } from './startChild.js';

export type StackEvent =
  | { readonly kind: 'starting'; readonly name: string }
  | { readonly kind: 'ready'; readonly name: string; readonly afterMs: number; readonly restarted: boolean }
  | { readonly kind: 'retrying'; readonly name: string; readonly reason: string }
  | { readonly kind: 'died'; readonly name: string; readonly exit: ChildExit; readonly restartInMs: number }
  | { readonly kind: 'stopped'; readonly name: string; readonly exit: ChildExit };

export interface NamedProcess extends ProcessIdentity {
  readonly name: string;
}

export interface SupervisorOptions {
  readonly specs: readonly ChildSpec[];
  readonly logDir: string;
  readonly onEvent?: (event: StackEvent) => void;
  /** Writes down which children run now; called synchronously at every change. */
  readonly record?: (children: readonly NamedProcess[]) => void;
}

export interface Supervisor {
  /** @throws SegnoError `Stack.StartFailed` after having stopped what had started */
  start(): Promise<ReadyChildren>;
  /** Resolves with the reason when a child died too often to go on; the owner then calls `stop`. */
  readonly gaveUp: Promise<SegnoError>;
  stop(): Promise<void>;
  /** SIGKILL to all, at once. */
  kill(): void;
  /**
   * A signal to one child, on purpose: a death that follows is no reason to give up.
   *
   * @returns false when it does not run
   */
  signal(name: string, signal: NodeJS.Signals): boolean;
}

export function createSupervisor(options: SupervisorOptions): Supervisor {
  const { specs } = options;
  checkOrder(specs);
  const running = new Map<string, RunningChild>();
  const facts: Record<string, ReadyFacts> = {};
  /** Children whose death is not their own fault. */
  const struck = new WeakSet<RunningChild>();
  const stopping = new AbortController();
  let stopped: Promise<void> | undefined;
  let giveUp: (error: SegnoError) => void = () => undefined;
  const gaveUp = new Promise<SegnoError>((resolve) => (giveUp = resolve));
  const emit = (event: StackEvent): void => options.onEvent?.(event);
  const record = (): void => options.record?.([...running].map(([name, child]) => ({ name, ...child.identity })));

  async function launch(spec: ChildSpec): Promise<RunningChild> {
    const command = await spec.command(facts, stopping.signal);
    stopping.signal.throwIfAborted();
    const child = startChild(spec, command, join(options.logDir, `${spec.name}.log`));
    running.set(spec.name, child);
    record();
    void child.exited.then(() => {
      if (running.get(spec.name) === child) running.delete(spec.name);
      record();
    });
    return child;
  }

  async function firstStart(spec: ChildSpec, others: Promise<unknown>): Promise<void> {
    // Whoever waits for the others learns of their failure; a child that fails first does not.
    others.catch(() => undefined);
    if (!spec.connections) await others;
    emit({ kind: 'starting', name: spec.name });
    const startedAt = Date.now();
    for (let attempt = 1; ; attempt++) {
      try {
        const child = await launch(spec);
        if (spec.connections) await Promise.race([others, child.ready]);
        facts[spec.name] = await connected(spec, child).ready;
        // A child may still get ready on its way out.
        stopping.signal.throwIfAborted();
        emit({ kind: 'ready', name: spec.name, afterMs: Date.now() - startedAt, restarted: false });
        void keepAlive(spec, child, Date.now());
        return;
      } catch (error) {
        if (stopping.signal.aborted || attempt >= spec.startAttempts || !isStartFailure(error)) throw error;
        emit({ kind: 'retrying', name: spec.name, reason: error.message });
        await running.get(spec.name)?.exited;
        await spec.beforeRetry?.();
      }
    }
  }

  function connected(spec: ChildSpec, child: RunningChild): RunningChild {
    if (spec.connections) child.connect(spec.connections(facts));
    return child;
  }

  async function keepAlive(spec: ChildSpec, first: RunningChild, firstReadyAt: number): Promise<void> {
    let child = first;
    let readyAt: number | undefined = firstReadyAt;
    let deaths = 0;
    for (;;) {
      const exit = await child.exited;
      if (stopping.signal.aborted) return;
      const startsAnew = struck.has(child) || (readyAt !== undefined && Date.now() - readyAt >= stableAfterMs);
      deaths = startsAnew ? 1 : deaths + 1;
      const restartInMs = restartDelayMs(deaths);
      if (restartInMs === undefined) {
        giveUp(new SegnoError('Stack.StartFailed', `${spec.name} died ${maxRestarts + 1} times in a row.`));
        return;
      }
      emit({ kind: 'died', name: spec.name, exit, restartInMs });
      const diedAt = Date.now();
      readyAt = undefined;
      try {
        await delay(restartInMs, undefined, { signal: stopping.signal });
        child = await launch(spec);
        facts[spec.name] = await connected(spec, child).ready;
        readyAt = Date.now();
        emit({ kind: 'ready', name: spec.name, afterMs: readyAt - diedAt, restarted: true });
      } catch {
        if (stopping.signal.aborted) return;
        // It never became ready: counted as one more death at the top of the loop, its log says why.
      }
    }
  }

  async function stopChild(spec: ChildSpec): Promise<void> {
    const child = running.get(spec.name);
    if (!child) return;
    emit({ kind: 'stopped', name: spec.name, exit: await child.stop() });
  }

  async function stopAll(): Promise<void> {
    stopping.abort(new SegnoError('Run.Cancelled', 'The stack is being stopped.'));
    const done = new Map<string, Promise<void>>();
    for (const spec of inOrder(specs).reverse()) {
      const dependents = specs
        .filter((other) => other.after.includes(spec.name))
        .map(async (other) => done.get(other.name));
      done.set(
        spec.name,
        Promise.all(dependents).then(() => stopChild(spec)),
      );
    }
    await Promise.all(done.values());
  }

  return {
    gaveUp,
    async start() {
      const started = new Map<string, Promise<void>>();
      for (const spec of inOrder(specs)) {
        const before = spec.after.map(async (name) => started.get(name));
        started.set(spec.name, firstStart(spec, Promise.all(before)));
      }
      try {
        await Promise.all(started.values());
      } catch (error) {
        await this.stop();
        await Promise.allSettled(started.values());
        throw error;
      }
      return facts;
    },
    stop() {
      return (stopped ??= stopAll());
    },
    kill() {
      stopping.abort(new SegnoError('Run.Cancelled', 'The stack was killed.'));
      for (const child of running.values()) child.kill();
    },
    signal(name, signal) {
      const child = running.get(name);
      if (!child || stopping.signal.aborted) return false;
      if (signal === 'SIGKILL') struck.add(child);
      signalProcess(child.identity, signal);
      return true;
    },
  };
}

function isStartFailure(error: unknown): error is SegnoError {
  return error instanceof SegnoError && error.type === 'Stack.StartFailed';
}

/** The specs so that each stands behind all it comes after. */
function inOrder(specs: readonly ChildSpec[]): ChildSpec[] {
  const sorted: ChildSpec[] = [];
  while (sorted.length < specs.length) {
    const placed = new Set(sorted.map((spec) => spec.name));
    const next = specs.filter((spec) => !placed.has(spec.name) && spec.after.every((name) => placed.has(name)));
    if (next.length === 0) throw new Error('The children of the stack wait for each other in a circle.');
    sorted.push(...next);
  }
  return sorted;
}

function checkOrder(specs: readonly ChildSpec[]): void {
  const names = new Set(specs.map((spec) => spec.name));
  for (const spec of specs) {
    const unknown = spec.after.find((name) => !names.has(name));
    if (unknown !== undefined) throw new Error(`${spec.name} comes after ${unknown}, which is not in the stack.`);
  }
  inOrder(specs);
}

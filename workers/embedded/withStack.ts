/**
 * Runs something with everything it needs: connects to what is there, else brings the stack up for as long as it takes.
 *
 * Invariants:
 * 1. A stack that was there before is left as it was.
 * 2. Of several that start at once in one folder, one brings the stack up and the others use it; it stays up until the
 *    last of them is done.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { resolve } from 'node:path';
import { SegnoError } from '../../core/errors.js';
import { attachedProcesses, attachToStack } from './attachments.js';
import { resolveConnections, type Connections } from './resolveConnections.js';
import { readStack } from './stackState.js';
import { startStack, type Stack, type StartStackOptions } from './startStack.js';

export type CompleteConnections = Connections & Required<Pick<Connections, 'temporal' | 'ledger'>>;

export interface WithStackOptions extends StartStackOptions {
  /** Called once when the work is done and others still use the stack this process brought up. */
  readonly onWaitingForOthers?: (count: number) => void;
  /** How long another process may take to bring the stack up. Default 10 minutes: it may be building Temporal. */
  readonly startTimeoutMs?: number;
}

const pollMs = 100;

/**
 * @throws SegnoError as `startStack`, except `Stack.Held`: a stack of another process is used
 * @throws SegnoError `Stack.NotRunning` when another process began to start the stack and did not get there in time
 */
export async function withStack<T>(
  options: WithStackOptions,
  use: (connections: CompleteConnections) => Promise<T>,
): Promise<T> {
  const dir = resolve(options.dir);
  const env = options.env ?? process.env;
  const deadline = Date.now() + (options.startTimeoutMs ?? 600_000);
  for (;;) {
    options.signal?.throwIfAborted();
    const detach = attachToStack(dir);
    try {
      const connections = usableConnections(dir, env);
      if (connections) return await use(connections);
    } finally {
      detach();
    }
    const stack = await startUnlessHeld(options);
    if (stack) return await useOwn(stack, { ...options, dir, env }, use);
    if (Date.now() > deadline) {
      throw new SegnoError('Stack.NotRunning', `The stack another process starts in ${dir} did not become ready.`);
    }
    await delay(pollMs, undefined, options.signal ? { signal: options.signal } : {});
  }
}

/** What the environment and a ready stack offer, if it is enough to run on. */
function usableConnections(dir: string, env: NodeJS.ProcessEnv): CompleteConnections | undefined {
  const { temporal, ledger, ...rest } = resolveConnections({ env, dir });
  if (!temporal || !ledger) return undefined;
  const stack = readStack(dir);
  const usesStack = temporal.origin === 'stack' || ledger.origin === 'stack';
  if (usesStack && stack?.status !== 'ready') return undefined;
  return { ...rest, temporal, ledger };
}

async function startUnlessHeld(options: WithStackOptions): Promise<Stack | undefined> {
  try {
    return await startStack(options);
  } catch (error) {
    if (error instanceof SegnoError && error.type === 'Stack.Held') return undefined;
    throw error;
  }
}

async function useOwn<T>(
  stack: Stack,
  options: WithStackOptions & { readonly dir: string; readonly env: NodeJS.ProcessEnv },
  use: (connections: CompleteConnections) => Promise<T>,
): Promise<T> {
  const { dir, env } = options;
  let broken = false;
  const whenBroken = stack.gaveUp.then((error) => {
    broken = true;
    throw error;
  });
  try {
    const connections = usableConnections(dir, env);
    if (!connections) throw new SegnoError('Stack.NotRunning', `The stack in ${dir} was ready and is gone.`);
    return await Promise.race([use(connections), whenBroken]);
  } finally {
    if (!broken) await leaveToOthers(stack, options);
    await stack.stop();
  }
}

async function leaveToOthers(stack: Stack, options: WithStackOptions): Promise<void> {
  let told = false;
  for (;;) {
    stack.announce('stopping');
    const others = attachedProcesses(options.dir);
    if (others.length === 0 || options.signal?.aborted) return;
    stack.announce('ready');
    if (!told) options.onWaitingForOthers?.(others.length);
    told = true;
    await delay(pollMs);
  }
}

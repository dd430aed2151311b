/**
 * Brings up the embedded stack of one folder and keeps it running.
 *
 * Invariants:
 * 1. The folder is held (stackState.ts) from before the first process to after the last.
 * 2. stack.json says at every moment which processes run, so that a start after a kill can clean up.
 * 3. Stopping ends what this stack started and nothing else.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { SegnoError } from '../../core/errors.js';
import { runProcessFaults } from '../chaos/runProcessFaults.js';
import { chaosFile, noteStrike, removeRules, watchRules } from '../chaos/rulesFile.js';
import { hostId, thisProcess } from '../processIdentity.js';
import type { ChildSpec } from './childSpec.js';
import { addressesOf, stackChildren } from './stackChildren.js';
import { chaosFileOf, planStack, type StackPlan } from './stackPlan.js';
import {
  endOrphans,
  holdStack,
  lastState,
  stackDir,
  writeState,
  type StackAddresses,
  type StackState,
} from './stackState.js';
import { createSupervisor, type NamedProcess, type StackEvent, type Supervisor } from './supervisor.js';
import type { TemporalProgress } from './temporalBinary.js';

export type StackNotice = StackEvent | { readonly kind: 'cleaned'; readonly orphans: readonly NamedProcess[] };

export interface StartStackOptions {
  readonly dir: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly configPath?: string;
  /** False starts the servers only. Default true. */
  readonly worker?: boolean;
  /** Any free ports instead of the usual ones. */
  readonly anyPorts?: boolean;
  readonly onEvent?: (event: StackNotice) => void;
  /** While a Temporal binary is downloaded or built. */
  readonly onProgress?: (progress: TemporalProgress) => void;
  /** Aborted while it starts: whatever runs is stopped, and the start rejects. */
  readonly signal?: AbortSignal;
  /** Aborted at any time: every process is killed at once, without grace. */
  readonly forceSignal?: AbortSignal;
  /** The processes to run. Default: `stackChildren`. */
  readonly children?: (plan: StackPlan) => ChildSpec[];
}

export interface Stack {
  readonly addresses: StackAddresses;
  readonly namespace: string;
  /** Resolves when a child died too often to go on; the owner then stops the stack. */
  readonly gaveUp: Promise<SegnoError>;
  /** Others see `stopping` in stack.json, or `ready` again when it was not to be. */
  announce(status: 'ready' | 'stopping'): void;
  stop(): Promise<void>;
}

/**
 * @throws SegnoError `Stack.Held` when another process runs this folder's stack
 * @throws SegnoError `Stack.StartFailed` with the end of the failed child's log
 * @throws SegnoError `Temporal.NotFound`
 */
export async function startStack(options: StartStackOptions): Promise<Stack> {
  const dir = resolve(options.dir);
  prepareFolder(dir);
  const release = holdStack(dir);
  try {
    const last = lastState(dir);
    const orphans = await endOrphans(last);
    if (orphans.length > 0) options.onEvent?.({ kind: 'cleaned', orphans });
    const plan = await planStack({ ...options, dir, env: options.env ?? process.env }, last?.ports ?? {});
    return await runPlan(plan, options, release);
  } catch (error) {
    release();
    throw error;
  }
}

async function runPlan(plan: StackPlan, options: StartStackOptions, release: () => void): Promise<Stack> {
  let state: StackState = {
    version: 1,
    ...thisProcess(),
    hostId: hostId(),
    startedAt: new Date().toISOString(),
    status: 'starting',
    addresses: {},
    namespace: plan.namespace,
    ports: plan.ports.all(),
    children: [],
  };
  const update = (change: Partial<StackState>): void => {
    state = { ...state, ...change, ports: plan.ports.all() };
    writeState(plan.dir, state);
  };
  update({});
  removeRules(chaosFile(stackDir(plan.dir)));
  const supervisor = createSupervisor({
    specs: (options.children ?? stackChildren)(plan),
    logDir: join(stackDir(plan.dir), 'logs'),
    ...(options.onEvent && { onEvent: options.onEvent }),
    record: (children) => update({ children }),
  });
  let stopped: Promise<void> | undefined;
  let endFaults = (): void => undefined;
  const stop = async (): Promise<void> => {
    update({ status: 'stopping' });
    endFaults();
    await supervisor.stop();
    update({ status: 'stopped', addresses: {} });
    release();
  };
  options.forceSignal?.addEventListener('abort', () => supervisor.kill(), { once: true });
  const stopOnAbort = (): void => void supervisor.stop();
  options.signal?.addEventListener('abort', stopOnAbort, { once: true });
  try {
    options.signal?.throwIfAborted();
    update({ addresses: addressesOf(plan, await supervisor.start()), status: 'ready' });
    endFaults = showProcessFaults(plan, supervisor);
  } catch (error) {
    await supervisor.stop();
    update({ status: 'stopped' });
    options.signal?.throwIfAborted();
    throw error;
  } finally {
    options.signal?.removeEventListener('abort', stopOnAbort);
  }
  return {
    addresses: state.addresses,
    namespace: plan.namespace,
    gaveUp: supervisor.gaveUp,
    announce: (status) => update({ status }),
    stop: () => (stopped ??= stop()),
  };
}

function showProcessFaults(plan: StackPlan, supervisor: Supervisor): () => void {
  const file = chaosFileOf(plan);
  if (file === undefined) return () => undefined;
  return runProcessFaults({
    rules: watchRules(file),
    signal: (name, signal) => supervisor.signal(name, signal),
    onStrike: (strike) => noteStrike(file, strike),
  });
}

/** `.segno` keeps itself out of the project's version control. */
function prepareFolder(dir: string): void {
  mkdirSync(stackDir(dir), { recursive: true });
  writeFileSync(join(stackDir(dir), '.gitignore'), '*\n');
}

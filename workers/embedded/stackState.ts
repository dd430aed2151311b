/**
 * `.segno/stack.json`: which embedded stack runs in a folder, and where.
 *
 * Invariants:
 * 1. One process holds a folder's stack (see processLock.ts); only it writes the file, atomically, readable by its user
 *    alone.
 * 2. A state counts only while its holder lives; what a dead one left is cleaned by the next start, and only there.
 * 3. A process named in the file is ended only if its pid, its start time and its host are the recorded ones.
 * 4. No secret stands in it: only addresses the stack itself serves.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SegnoError } from '../../core/errors.js';
import { hostId, isSameProcess, type ProcessIdentity } from '../processIdentity.js';
import { endProcess } from './endProcess.js';
import { lockHolder, takeLock, type LockHolder } from './processLock.js';
import type { NamedProcess } from './supervisor.js';

/** What the stack itself serves; what is used from outside is not in here. */
export interface StackAddresses {
  /** host:port */
  readonly temporal?: string;
  readonly temporalUi?: string;
  /** PostgreSQL URL */
  readonly ledger?: string;
  /** Base URL of the offline model's OpenAI wire. */
  readonly model?: string;
  /** The worker's metrics. */
  readonly metrics?: string;
}

export type StackPorts = Partial<Record<keyof StackAddresses, number>>;

export interface StackState extends ProcessIdentity {
  readonly version: 1;
  readonly hostId: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly status: 'starting' | 'ready' | 'stopping' | 'stopped';
  readonly addresses: StackAddresses;
  readonly namespace: string;
  /** Kept when the stack has stopped: the next one in this folder asks for the same. */
  readonly ports: StackPorts;
  readonly children: readonly NamedProcess[];
}

const orphanGraceMs = 5_000;

/** `.segno` of a project. */
export function stackDir(dir: string): string {
  return join(dir, '.segno');
}

/** The running stack of a project folder, or undefined. One that is still starting has its status say so. */
export function readStack(dir: string): StackState | undefined {
  const holder = lockHolder(lockDir(dir));
  const state = readState(dir);
  if (!holder || !state || state.status === 'stopped') return undefined;
  return isSameHolder(state, holder) ? state : undefined;
}

/**
 * Make this process the holder of the folder's stack.
 *
 * @returns a function that gives it up
 * @throws SegnoError `Stack.Held` with pid, since when, and the addresses of the stack that runs
 */
export function holdStack(dir: string): () => void {
  const attempt = takeLock(lockDir(dir));
  if (attempt.taken) return attempt.release;
  throw heldError(dir, attempt.holder);
}

/** What the last stack of this folder left behind, whoever held it. Only for the holder. */
export function lastState(dir: string): StackState | undefined {
  return readState(dir);
}

/** End the children a killed stack left running. Only for the holder. @returns the ended ones */
export async function endOrphans(state: StackState | undefined): Promise<NamedProcess[]> {
  if (!state || state.hostId !== hostId()) return [];
  const orphans = state.children.filter(isSameProcess);
  await Promise.all(orphans.map((child) => endProcess(child, orphanGraceMs)));
  return orphans;
}

/** Only for the holder. */
export function writeState(dir: string, state: StackState): void {
  const file = stateFile(dir);
  mkdirSync(stackDir(dir), { recursive: true });
  const draft = `${file}.${process.pid}.tmp`;
  writeFileSync(draft, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
  renameSync(draft, file);
}

function heldError(dir: string, holder: LockHolder): SegnoError {
  const state = readState(dir);
  const addresses: StackAddresses = state && isSameHolder(state, holder) ? state.addresses : {};
  const where = Object.entries(addresses).map(([name, address]) => `  ${name}: ${address}`);
  const elsewhere = holder.hostId === hostId() ? '' : ' on another machine or in another container';
  return new SegnoError(
    'Stack.Held',
    [
      `A stack already runs in ${dir}: process ${holder.pid}${elsewhere}, since ${holder.since}.`,
      ...where,
      'Use it as it is (`segno run` finds it), or stop it with Ctrl-C where it runs.',
    ].join('\n'),
    { details: { pid: holder.pid, since: holder.since, addresses } },
  );
}

function isSameHolder(state: StackState, holder: LockHolder): boolean {
  const same = state.pid === holder.pid && state.processStartedAt === holder.processStartedAt;
  return same && state.hostId === holder.hostId;
}

function readState(dir: string): StackState | undefined {
  try {
    const state = JSON.parse(readFileSync(stateFile(dir), 'utf8')) as StackState;
    return state.version === 1 ? state : undefined;
  } catch {
    return undefined;
  }
}

const stateFile = (dir: string): string => join(stackDir(dir), 'stack.json');
const lockDir = (dir: string): string => join(stackDir(dir), 'lock');

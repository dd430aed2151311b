/**
 * A lock that one process of a folder holds, and that frees itself when its holder dies.
 *
 * The folder holds one file per generation, `0000000007.json`; the highest names the holder. Taking the lock over from a
 * dead holder of generation N means creating N+1 exclusively, so of any number of takers exactly one succeeds.
 *
 * Invariants:
 * 1. A generation appears with its whole content (link of a finished file), never empty or half written.
 * 2. The highest generation is never deleted, a released one included: a taker that was asleep and creates an old number
 *    finds a higher one afterwards, and has lost.
 * 3. A holder on this host is alive if its pid and start time are; one elsewhere (another container on the same volume)
 *    if it touched its file lately.
 */
import { randomUUID } from 'node:crypto';
import {
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { hostId, isSameProcess, thisProcess, type ProcessIdentity } from '../processIdentity.js';

const touchEveryMs = 3_000;
/** Longer than a stopped laptop's scheduler pause, shorter than anybody's patience after a container restart. */
const foreignSilenceMs = 15_000;
const maxRounds = 100;

export interface LockHolder extends ProcessIdentity {
  readonly hostId: string;
  /** ISO 8601. */
  readonly since: string;
}

export type LockAttempt =
  { readonly taken: true; readonly release: () => void } | { readonly taken: false; readonly holder: LockHolder };

interface LockFile extends LockHolder {
  readonly token: string;
  readonly released?: true;
}

/** Take the lock of `folder` if nobody alive holds it. Never waits. */
export function takeLock(folder: string): LockAttempt {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const mine: LockFile = { ...thisProcess(), hostId: hostId(), since: new Date().toISOString(), token: randomUUID() };
  for (let round = 0; round < maxRounds; round++) {
    const top = highest(folder);
    const holder = top === 0 ? undefined : readHolder(folder, top);
    if (holder && isAlive(folder, top, holder)) return { taken: false, holder };
    if (!createExclusively(folder, top + 1, mine)) continue;
    if (highest(folder) !== top + 1) {
      rmSync(fileOf(folder, top + 1), { force: true });
      continue;
    }
    removeBelow(folder, top + 1);
    return { taken: true, release: keepTouching(folder, top + 1, mine) };
  }
  throw new Error(`The lock in ${folder} changed hands ${maxRounds} times while it was being taken.`);
}

/** Who holds the lock of `folder` now, if anybody alive does. */
export function lockHolder(folder: string): LockHolder | undefined {
  const top = highest(folder);
  if (top === 0) return undefined;
  const holder = readHolder(folder, top);
  return holder && isAlive(folder, top, holder) ? holder : undefined;
}

function isAlive(folder: string, generation: number, holder: LockFile): boolean {
  if (holder.released) return false;
  if (holder.hostId === hostId()) return isSameProcess(holder);
  try {
    return Date.now() - statSync(fileOf(folder, generation)).mtimeMs < foreignSilenceMs;
  } catch {
    return false;
  }
}

function createExclusively(folder: string, generation: number, content: LockFile): boolean {
  const draft = join(folder, `${content.token}.tmp`);
  writeFileSync(draft, JSON.stringify(content), { mode: 0o600 });
  try {
    linkSync(draft, fileOf(folder, generation));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

function keepTouching(folder: string, generation: number, mine: LockFile): () => void {
  const file = fileOf(folder, generation);
  const timer = setInterval(() => {
    try {
      utimesSync(file, new Date(), new Date());
    } catch {
      // The folder was deleted under us; there is nothing left to hold.
      clearInterval(timer);
    }
  }, touchEveryMs);
  timer.unref();
  return () => {
    clearInterval(timer);
    if (readHolder(folder, generation)?.token !== mine.token) return;
    const draft = join(folder, `${mine.token}.tmp`);
    writeFileSync(draft, JSON.stringify({ ...mine, released: true } satisfies LockFile), { mode: 0o600 });
    renameSync(draft, file);
  };
}

function removeBelow(folder: string, generation: number): void {
  for (const name of readdirSync(folder)) {
    const other = generationOf(name);
    if (other > 0 && other < generation) rmSync(join(folder, name), { force: true });
  }
}

function highest(folder: string): number {
  try {
    return Math.max(0, ...readdirSync(folder).map(generationOf));
  } catch {
    return 0;
  }
}

function readHolder(folder: string, generation: number): LockFile | undefined {
  try {
    return JSON.parse(readFileSync(fileOf(folder, generation), 'utf8')) as LockFile;
  } catch {
    return undefined;
  }
}

const generationOf = (name: string): number => Number(/^(\d{10})\.json$/.exec(name)?.[1] ?? 0);
const fileOf = (folder: string, generation: number): string =>
  join(folder, `${String(generation).padStart(10, '0')}.json`);

/**
 * PGlite's data directory belongs to one process: two would destroy it, and PGlite does not check.
 *
 * Invariant: a lock whose holder is dead, or is another process under the same id, holds nobody up. A zombie is dead: in a
 * container without an init it stays for ever.
 */
import { openSync, closeSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { SegnoError } from '../core/errors.js';

interface Holder {
  readonly pid: number;
  /** Clock ticks since boot (Linux); elsewhere empty, and the id alone decides. */
  readonly startedAt: string;
}

/** @returns gives it back @throws SegnoError `Stack.Held` */
export function lockDataDir(dataDir: string): () => void {
  const path = `${dataDir}.lock`;
  for (let round = 0; round < 3; round += 1) {
    if (create(path)) return () => rmSync(path, { force: true });
    const holder = readHolder(path);
    if (holder && lives(holder)) {
      throw new SegnoError('Stack.Held', `The ledger in ${dataDir} is already served by process ${holder.pid}.`, {
        details: { pid: holder.pid },
      });
    }
    rmSync(path, { force: true });
  }
  throw new SegnoError('Stack.Held', `The ledger in ${dataDir} is being started by another process.`);
}

function create(path: string): boolean {
  try {
    const file = openSync(path, 'wx', 0o600);
    writeSync(
      file,
      JSON.stringify({ pid: process.pid, startedAt: processStat(process.pid).startedAt } satisfies Holder),
    );
    closeSync(file);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

function readHolder(path: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Holder;
  } catch {
    return undefined;
  }
}

function lives({ pid, startedAt }: Holder): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
  const stat = processStat(pid);
  return stat.startedAt === startedAt && stat.state !== 'Z' && stat.state !== 'X';
}

function processStat(pid: number): { state: string; startedAt: string } {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command's name may hold spaces and brackets; the fields are counted behind its last bracket.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', startedAt: fields[19] ?? '' };
  } catch {
    return { state: '', startedAt: '' };
  }
}

/**
 * Who uses a stack without holding it: `segno run` in a folder whose stack another `segno run` brought up.
 *
 * Invariant: a user registers before it reads the stack's status, a holder says `stopping` before it counts its users;
 * so at least one of the two sees the other.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hostId, isSameProcess, thisProcess, type ProcessIdentity } from '../processIdentity.js';
import { stackDir } from './stackState.js';

let counter = 0;

/** @returns a function that takes the registration back */
export function attachToStack(dir: string): () => void {
  const folder = folderOf(dir);
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${process.pid}-${++counter}.json`);
  writeFileSync(file, JSON.stringify({ ...thisProcess(), hostId: hostId() }), { mode: 0o600 });
  return () => rmSync(file, { force: true });
}

/** Living processes that use the folder's stack; what dead ones left is removed. */
export function attachedProcesses(dir: string): ProcessIdentity[] {
  const folder = folderOf(dir);
  return listFiles(folder).flatMap((name) => {
    const user = readUser(join(folder, name));
    if (user && user.hostId === hostId() && isSameProcess(user)) return [user];
    rmSync(join(folder, name), { force: true });
    return [];
  });
}

function listFiles(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function readUser(file: string): (ProcessIdentity & { hostId: string }) | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ProcessIdentity & { hostId: string };
  } catch {
    return undefined;
  }
}

const folderOf = (dir: string): string => join(stackDir(dir), 'attached');

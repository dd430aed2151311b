/** The log file of one child: appended to, and set aside at a start once it is large. */
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

const rotateAtBytes = 5_000_000;
const keptLogs = 3;

/** @returns a file descriptor to append to; rotation keeps NAME.log.1 to .3 */
export function openChildLog(path: string): number {
  mkdirSync(dirname(path), { recursive: true });
  if (sizeOf(path) >= rotateAtBytes) {
    for (let age = keptLogs - 1; age >= 1; age--) moveIfThere(`${path}.${age}`, `${path}.${age + 1}`);
    moveIfThere(path, `${path}.1`);
  }
  return openSync(path, 'a', 0o600);
}

export function closeChildLog(descriptor: number): void {
  closeSync(descriptor);
}

/** What was appended since the file had `fromBytes` bytes: its last lines, to be shown in an error. */
export function logTail(path: string, fromBytes: number, lines = 12): string {
  try {
    return readFileSync(path).subarray(fromBytes).toString('utf8').trimEnd().split('\n').slice(-lines).join('\n');
  } catch {
    return '';
  }
}

export function sizeOf(path: string): number {
  try {
    return statSync(path).size;
  } catch {
    return 0;
  }
}

function moveIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/**
 * Who a process is, beyond its pid: pids are used again, within days on a laptop and within minutes in a container.
 *
 * Invariants:
 * 1. `processStartedAt` never changes while a process lives, and differs when its pid is used again.
 * 2. A zombie is dead: it holds no port, no file and no lock, and in a container without an init it stays for ever. One whose other
 *    threads have not ended yet is none: killed programs of many threads pass through that, and hold their ports.
 * 3. Pids are compared only under an equal `hostId()`: elsewhere they name other processes.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

export interface ProcessIdentity {
  readonly pid: number;
  /** Opaque: clock ticks since boot on Linux, a date as `ps` prints it elsewhere. */
  readonly processStartedAt: string;
}

let cachedHostId: string | undefined;

/** Stable id of host, boot and pid namespace: two processes with the same one can see each other by pid. */
export function hostId(): string {
  cachedHostId ??= createHash('sha256').update(hostFacts().join('\n')).digest('hex').slice(0, 16);
  return cachedHostId;
}

/** When the process with this pid started; undefined if there is none, or only its zombie. */
export function processStartedAt(pid: number): string | undefined {
  return process.platform === 'linux' ? startedAtFromProc(pid) : startedAtFromPs(pid);
}

/** Whether this very process still runs. */
export function isSameProcess(identity: ProcessIdentity): boolean {
  return processStartedAt(identity.pid) === identity.processStartedAt;
}

export function thisProcess(): ProcessIdentity {
  return { pid: process.pid, processStartedAt: processStartedAt(process.pid) ?? 'unknown' };
}

function startedAtFromProc(pid: number): string | undefined {
  const stat = readText(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  // The second field is the program's name in brackets and may itself hold blanks and brackets.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, threads, startedAt] = [fields[0], Number(fields[17]), fields[19]];
  if (state === 'X' || (state === 'Z' && threads <= 1)) return undefined;
  return startedAt;
}

function startedAtFromPs(pid: number): string | undefined {
  try {
    const line = execFileSync('ps', ['-o', 'stat=', '-o', 'lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C' },
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
    const [state, ...started] = line.split(/\s+/);
    if (!state || state.startsWith('Z')) return undefined;
    return started.join(' ');
  } catch {
    return undefined;
  }
}

function hostFacts(): string[] {
  if (process.platform !== 'linux') return [hostname(), bootSession()];
  return [
    readText('/etc/machine-id')?.trim() || hostname(),
    readText('/proc/sys/kernel/random/boot_id')?.trim() ?? '',
    readPidNamespace(),
  ];
}

function bootSession(): string {
  try {
    return execFileSync('sysctl', ['-n', 'kern.bootsessionuuid'], { encoding: 'utf8', stdio: 'pipe' }).trim();
  } catch {
    return '';
  }
}

function readPidNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

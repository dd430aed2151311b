/**
 * Ends a process and the group it leads.
 *
 * Invariant: a signal goes out only to the very process meant (pid and start time), never to whoever has its pid now.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { isSameProcess, type ProcessIdentity } from '../processIdentity.js';

const pollMs = 20;

/** Signal the process and its group; nothing happens if it is gone. */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): void {
  if (!isSameProcess(identity)) return;
  try {
    process.kill(-identity.pid, signal);
  } catch {
    killOne(identity.pid, signal);
  }
}

/** SIGTERM, then SIGKILL after the grace period; resolves when the process is gone. */
export async function endProcess(identity: ProcessIdentity, graceMs: number): Promise<void> {
  signalProcess(identity, 'SIGTERM');
  if (await isGoneWithin(identity, graceMs)) return;
  signalProcess(identity, 'SIGKILL');
  await isGoneWithin(identity, 5_000);
}

async function isGoneWithin(identity: ProcessIdentity, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (isSameProcess(identity)) {
    if (Date.now() >= deadline) return false;
    await delay(pollMs);
  }
  return true;
}

function killOne(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended in between.
  }
}

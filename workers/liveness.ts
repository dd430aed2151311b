import { setTimeout as delay } from 'node:timers/promises';
import {
  beat,
  expireLeases,
  findSilent,
  type Ledger,
  markDead,
  type PlaceKeeper,
  registerWorker,
  retireWorker,
} from '../ledger/index.js';
import { hostId, isSameProcess, thisProcess } from './processIdentity.js';
import type { Recovery } from './recovery.js';

const beatEveryMs = 1_000;
/** A worker on another host is dead after this silence. One on this host is dead as soon as its process is gone. */
const silentAfterMs = 5_000;
/** While its process is there it is more likely short of processor time, as all of this host is: it gets longer. */
const stalledAfterMs = 20_000;

export interface LivenessOptions {
  ledger: Ledger;
  instance: string;
  taskQueue: string;
  recovery: Recovery;
  places: PlaceKeeper;
  /** Others declared this instance dead while it was stalled: its steps are taken over, and it must end. */
  onDeclaredDead: () => void;
  onError: (error: unknown) => void;
  /** Calls of lost workers that from now on count at their upper bound. */
  onLeasesExpired?: (count: number) => void;
}

/**
 * Tell the other workers that this one lives, and recover what dead ones left.
 *
 * @returns stop, to be called when the worker has ended cleanly
 */
export async function keepAlive(options: LivenessOptions): Promise<() => Promise<void>> {
  const { ledger, instance, taskQueue, recovery, places } = options;
  await registerWorker(ledger, { instance, identity: instance, hostId: hostId(), ...thisProcess(), taskQueue });
  const stopping = new AbortController();
  const repeat = async (job: () => Promise<void>): Promise<void> => {
    while (!stopping.signal.aborted) {
      await job().catch(options.onError);
      await delay(beatEveryMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  };
  const beating = repeat(async () => {
    if (!(await beat(ledger, instance)).alive) {
      stopping.abort();
      options.onDeclaredDead();
      return;
    }
    await declareDead(ledger, instance);
    await recovery.recoverAll();
    options.onLeasesExpired?.(await expireLeases(ledger));
  });
  // They ask Temporal, and must not keep a beat waiting when that is slow.
  const lookingAfter = repeat(() => places.lookAfter());
  const waking = repeat(() => recovery.wakeRaised());
  return async () => {
    stopping.abort();
    await Promise.all([beating, lookingAfter, waking]);
    await retireWorker(ledger, instance);
  };
}

async function declareDead(ledger: Ledger, self: string): Promise<void> {
  const silent = await findSilent(ledger, { olderThanMs: 0 });
  const here = hostId();
  for (const worker of silent) {
    if (worker.instance === self) continue;
    const isHere = worker.hostId === here;
    const gone = isHere && !isSameProcess({ pid: worker.pid, processStartedAt: worker.processStartedAt });
    const patienceMs = isHere ? stalledAfterMs : silentAfterMs;
    if (gone) await markDead(ledger, worker.instance);
    else if (worker.silentMs > patienceMs) await markDead(ledger, worker.instance, patienceMs);
  }
}

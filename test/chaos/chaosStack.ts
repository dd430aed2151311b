/**
 * A whole `segno dev` in a folder of its own, to be killed in part and as a whole.
 *
 * Invariants:
 * 1. What is killed is what stack.json names at that moment, by pid; nothing else.
 * 2. The tests' own connections find the stack again after every kill: addresses are read anew after a restart.
 * 3. `close` leaves no process and no folder.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SegnoClient } from '../../client/index.js';
import { openLedger, type Ledger } from '../../ledger/index.js';
import { signalProcess } from '../../workers/embedded/endProcess.js';
import { lastState, readStack } from '../../workers/embedded/stackState.js';
import { isSameProcess } from '../../workers/processIdentity.js';
import { startDev, type DevProcess } from './devProcess.js';
import { eventually } from './eventually.js';
import { startModelServer, type ModelServer } from './modelServer.js';

/** `tree`: everything `segno dev` started and itself, at once. `supervisor`: `segno dev` alone. */
export const victims = ['worker', 'temporal', 'ledger', 'tree', 'supervisor'] as const;
export type Victim = (typeof victims)[number];

export interface ChaosStack {
  readonly dir: string;
  readonly model: ModelServer;
  readonly client: SegnoClient;
  readonly ledger: Ledger;
  /** The pid stack.json names now. */
  pidOf(child: 'worker' | 'temporal' | 'ledger'): number;
  /** SIGKILL, at once. After the tree's or the supervisor's `restart` has to follow; the others come back by themselves. */
  kill(victim: Victim): Promise<void>;
  /** Start `segno dev` again if it was killed. */
  restart(env?: NodeJS.ProcessEnv): Promise<void>;
  notices(): string;
  close(): Promise<void>;
}

const prefix = 'segno-chaos-';

export async function startChaosStack(options: { tokensPerSecond?: number } = {}): Promise<ChaosStack> {
  endLeftovers();
  const dir = mkdtempSync(join(tmpdir(), `${prefix}${process.pid}-`));
  mkdirSync(join(dir, 'gates'));
  const model = await startModelServer(options);
  const start = (env: NodeJS.ProcessEnv = {}): Promise<DevProcess> =>
    startDev(dir, { SEGNO_OFFLINE_MODEL_URL: model.url, SEGNO_CHAOS_DIR: dir, ...env });
  let dev: DevProcess | undefined = await start();
  let connections = await connect(dir);
  const earlier: string[] = [];

  const killDev = async (): Promise<void> => {
    if (!dev) return;
    earlier.push(dev.notices());
    await dev.kill();
    dev = undefined;
  };

  return {
    dir,
    model,
    get client() {
      return connections.client;
    },
    get ledger() {
      return connections.ledger;
    },
    pidOf: (child) => childOf(dir, child).pid,
    async kill(victim) {
      if (victim === 'worker' || victim === 'temporal' || victim === 'ledger') {
        const child = childOf(dir, victim);
        process.kill(child.pid, 'SIGKILL');
        await eventually(() => !isSameProcess(child), `${victim} to be gone`);
        return;
      }
      if (victim === 'supervisor') return killDev();
      // The supervisor first, so that it starts nothing again.
      const dead = killDev();
      killChildren(dir);
      await dead;
      killChildren(dir);
    },
    async restart(env) {
      if (dev) return;
      dev = await start(env);
      await disconnect(connections);
      connections = await connect(dir);
    },
    notices: () => [...earlier, dev?.notices() ?? ''].join(''),
    async close() {
      await disconnect(connections);
      await dev?.stop();
      killChildren(dir);
      await model.close();
      rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

interface Connections {
  client: SegnoClient;
  ledger: Ledger;
}

async function connect(dir: string): Promise<Connections> {
  const { addresses } = readStack(dir)!;
  const ledger = await openLedger({ connectionString: addresses.ledger!, maxConnections: 2 });
  const client = await SegnoClient.connect({ temporal: { address: addresses.temporal! }, ledger });
  return { client, ledger };
}

async function disconnect({ client, ledger }: Connections): Promise<void> {
  await client.close();
  await ledger.close();
}

function childOf(dir: string, name: string) {
  const child = lastState(dir)?.children.find((candidate) => candidate.name === name);
  if (!child) throw new Error(`the stack has no ${name} now`);
  return child;
}

function killChildren(dir: string): void {
  for (const child of lastState(dir)?.children ?? []) signalProcess(child, 'SIGKILL');
}

/** A test run that was killed itself has left its stack behind. */
function endLeftovers(): void {
  for (const name of readdirSync(tmpdir()).filter((entry) => entry.startsWith(prefix))) {
    const owner = Number(/^segno-chaos-(\d+)-/.exec(name)?.[1]);
    if (isRunning(owner)) continue;
    const dir = join(tmpdir(), name);
    const state = lastState(dir);
    if (state) signalProcess(state, 'SIGKILL');
    killChildren(dir);
    rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

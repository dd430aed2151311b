/** What one embedded stack is to run, decided before anything is started. */
import { chaosFile } from '../chaos/rulesFile.js';
import { chooseFreePort } from './freePort.js';
import { namespaceOf, outsideConnections, type Connections } from './resolveConnections.js';
import { stackDir, type StackAddresses, type StackPorts } from './stackState.js';
import type { TemporalProgress } from './temporalBinary.js';

type Address = keyof StackAddresses;

/** Where people look for these servers; the ledger's is in the way of neither PostgreSQL's 5432 nor outgoing connections. */
export const usualPorts: Readonly<Record<Address, number>> = {
  temporal: 7233,
  temporalUi: 8233,
  ledger: 15_432,
  model: 4141,
  metrics: 9464,
};

export interface StackPlan {
  /** The project's folder, absolute. */
  readonly dir: string;
  readonly env: NodeJS.ProcessEnv;
  /** Absolute path of segno.config.ts, if it is not found from `dir`. */
  readonly configPath: string | undefined;
  readonly worker: boolean;
  /** Whether the worker is given a port to serve metrics at. */
  readonly metrics: boolean;
  readonly namespace: string;
  /** What is used from outside and not started. */
  readonly outside: Connections;
  readonly onProgress: ((progress: TemporalProgress) => void) | undefined;
  readonly ports: PortBook;
}

export interface PortBook {
  get(name: Address): number;
  /** For a server that never came up: another port, if its own was taken after it was chosen. */
  renew(name: Address): Promise<void>;
  all(): StackPorts;
}

export interface PlanOptions {
  readonly dir: string;
  readonly env: NodeJS.ProcessEnv;
  readonly configPath?: string | undefined;
  readonly worker?: boolean | undefined;
  /** Any free ports instead of the usual ones, for a passing stack: people and tools look for theirs there. */
  readonly anyPorts?: boolean | undefined;
  readonly onProgress?: ((progress: TemporalProgress) => void) | undefined;
}

/** @param lastPorts what the last stack of this folder used: asked for again, so that bookmarks stay good */
export async function planStack(options: PlanOptions, lastPorts: StackPorts): Promise<StackPlan> {
  const outside = outsideConnections(options.env);
  const wanted: Address[] = [];
  if (!outside.temporal) wanted.push('temporal', 'temporalUi');
  if (!outside.ledger) wanted.push('ledger');
  if (!outside.model) wanted.push('model');
  const worker = options.worker ?? true;
  // Where the environment says something of it, the worker does as it says; a passing stack is scraped by nobody.
  const metrics = worker && !options.anyPorts && options.env['SEGNO_METRICS_PORT'] === undefined;
  if (metrics) wanted.push('metrics');
  return {
    dir: options.dir,
    env: options.env,
    configPath: options.configPath,
    worker,
    metrics,
    namespace: namespaceOf(options.env),
    outside,
    onProgress: options.onProgress,
    ports: await openPortBook(wanted, options.anyPorts ? [] : [lastPorts, usualPorts]),
  };
}

/** Where failure injection may be asked for: only of a stack that uses nothing from outside. */
export function chaosFileOf({ dir, outside }: StackPlan): string | undefined {
  return outside.temporal || outside.ledger || outside.model ? undefined : chaosFile(stackDir(dir));
}

async function openPortBook(wanted: readonly Address[], preferred: readonly StackPorts[]): Promise<PortBook> {
  const taken = new Set<number>();
  const ports: StackPorts = {};
  for (const name of wanted) {
    const candidates = preferred.map((book) => book[name]);
    ports[name] = await chooseFreePort(candidates, taken);
  }
  return {
    get(name) {
      const port = ports[name];
      if (port === undefined) throw new Error(`No port was planned for ${name}.`);
      return port;
    },
    async renew(name) {
      const last = ports[name];
      if (last !== undefined) taken.delete(last);
      ports[name] = await chooseFreePort([last], taken);
    },
    all: () => ({ ...ports }),
  };
}

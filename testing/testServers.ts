/**
 * The servers that tests share: Temporal, and the ledger on PGlite unless a database is given.
 *
 * Invariants:
 * 1. Their state lies in a temporary folder and goes with them.
 * 2. Processes that a killed test run left behind are ended by the next start.
 * 3. No usual port is taken: a developer's own stack keeps running beside the tests.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SegnoError } from '../core/errors.js';
import { migrateLedger, openLedger } from '../ledger/index.js';
import { stackChildren } from '../workers/embedded/stackChildren.js';
import { endOrphans, holdStack, lastState } from '../workers/embedded/stackState.js';
import { startStack } from '../workers/embedded/startStack.js';

export interface TestServers {
  /** host:port */
  readonly temporalAddress: string;
  /** PostgreSQL URL of a migrated ledger. */
  readonly databaseUrl: string;
  close(): Promise<void>;
}

/** Where a test run's servers are, for the processes it starts. */
export const testServersEnv = {
  temporal: 'SEGNO_TEST_TEMPORAL',
  database: 'SEGNO_TEST_DATABASE',
  /** A folder for workflow bundles, which takes a second off every test file with the same workflows. */
  bundles: 'SEGNO_TEST_BUNDLES',
} as const;

const prefix = 'segno-test-';

/**
 * Start servers for a whole test run and name them in `process.env`; every `startTestStack` of this process and of those
 * it starts then uses them. In vitest this is what a `globalSetup` does:
 *
 * ```ts
 * export default async () => {
 *   const servers = await startTestServers();
 *   return () => servers.close();
 * };
 * ```
 *
 * @param options.databaseUrl a PostgreSQL database for the ledger; it is migrated
 * @throws SegnoError `Temporal.NotFound`, `Stack.StartFailed`, `Ledger.Unavailable`
 */
export async function startTestServers(options: { databaseUrl?: string } = {}): Promise<TestServers> {
  const servers = await startServers(options);
  process.env[testServersEnv.temporal] = servers.temporalAddress;
  process.env[testServersEnv.database] = servers.databaseUrl;
  const bundles = mkdtempSync(join(tmpdir(), 'segno-bundles-'));
  process.env[testServersEnv.bundles] = bundles;
  return {
    ...servers,
    async close() {
      for (const name of Object.values(testServersEnv)) delete process.env[name];
      rmSync(bundles, { recursive: true, force: true });
      await servers.close();
    },
  };
}

/** What the environment names, and servers of the caller's own for the rest. */
export async function findOrStartServers(options: { databaseUrl?: string | undefined }): Promise<TestServers> {
  const temporalAddress = process.env[testServersEnv.temporal];
  const databaseUrl = options.databaseUrl ?? process.env[testServersEnv.database];
  return startServers({ ...(temporalAddress && { temporalAddress }), ...(databaseUrl && { databaseUrl }) });
}

async function startServers(given: { temporalAddress?: string; databaseUrl?: string }): Promise<TestServers> {
  const { temporalAddress, databaseUrl } = given;
  if (temporalAddress && databaseUrl) {
    await migrate(databaseUrl);
    return { temporalAddress, databaseUrl, close: () => Promise.resolve() };
  }
  await removeLeftovers();
  const dir = mkdtempSync(join(tmpdir(), prefix));
  const remove = (): void => rmSync(dir, { recursive: true, force: true });
  try {
    const stack = await startStack({
      dir,
      env: serverEnv(dir, given),
      worker: false,
      anyPorts: true,
      children: (plan) => stackChildren(plan).filter(({ name }) => name !== 'model'),
    });
    const { temporal = temporalAddress, ledger = databaseUrl } = stack.addresses;
    if (!temporal || !ledger) throw new SegnoError('Stack.StartFailed', 'the test servers did not say where they are');
    const close = async (): Promise<void> => {
      await stack.stop();
      remove();
    };
    try {
      await migrate(ledger);
    } catch (error) {
      await close();
      throw error;
    }
    return { temporalAddress: temporal, databaseUrl: ledger, close };
  } catch (error) {
    remove();
    throw error;
  }
}

/** Temporal's settings in the environment are meant for the developer's own server. */
function serverEnv(dir: string, given: { temporalAddress?: string; databaseUrl?: string }): NodeJS.ProcessEnv {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('TEMPORAL_')));
  return {
    ...env,
    TEMPORAL_ADDRESS: given.temporalAddress,
    TEMPORAL_CONFIG_FILE: join(dir, 'no-temporal-profiles.toml'),
    DATABASE_URL: given.databaseUrl,
  };
}

async function migrate(connectionString: string): Promise<void> {
  const ledger = await openLedger({ connectionString, maxConnections: 1 });
  try {
    await migrateLedger(ledger);
  } finally {
    await ledger.close();
  }
}

/** Temporal does not notice that the process which started it was killed. */
async function removeLeftovers(): Promise<void> {
  const dirs = readdirSync(tmpdir()).filter((name) => name.startsWith(prefix));
  for (const dir of dirs.map((name) => join(tmpdir(), name))) {
    if (!lastState(dir)) continue;
    let release: () => void;
    try {
      release = holdStack(dir);
    } catch (error) {
      if (error instanceof SegnoError && error.type === 'Stack.Held') continue;
      throw error;
    }
    await endOrphans(lastState(dir));
    release();
    rmSync(dir, { recursive: true, force: true });
  }
}

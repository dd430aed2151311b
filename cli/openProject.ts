import { setTimeout as delay } from 'node:timers/promises';
import { dirname, resolve } from 'node:path';
import { SegnoClient } from '../client/index.js';
import { SegnoError } from '../core/errors.js';
import { defaultTaskQueue } from '../core/contracts.js';
import { migrateLedger, openLedger } from '../ledger/index.js';
import { type Connections, resolveConnections } from '../workers/embedded/resolveConnections.js';
import { readStack } from '../workers/embedded/stackState.js';
import { findConfig } from '../workers/loadProject.js';

export interface ProjectFlags {
  config?: string;
}

/** The folder whose `.segno/` holds the stack: where the config is, or this one. */
export function projectDir({ config }: ProjectFlags): string {
  const configPath = config === undefined ? findConfig(process.cwd()) : resolve(config);
  return configPath === undefined ? process.cwd() : dirname(configPath);
}

/** Whether the stack in `dir` ends with this process. */
export function isOwnStack(dir: string): boolean {
  return readStack(dir)?.pid === process.pid;
}

/** The address of a run in the Temporal UI of the stack that runs in `dir`; undefined with outside servers, or a stack that ends. */
export function uiAddress(dir: string, id: string, runId: string): string | undefined {
  const stack = readStack(dir);
  const ui = stack?.addresses.temporalUi;
  if (!stack || !ui || isOwnStack(dir) || resolveConnections({ env: process.env, dir }).temporal?.origin !== 'stack')
    return undefined;
  return `${ui}/namespaces/${stack.namespace}/workflows/${encodeURIComponent(id)}/${runId}/history`;
}

/** @throws SegnoError `Stack.NotRunning` */
export async function connectProject(dir: string, taskQueue = defaultTaskQueue): Promise<SegnoClient> {
  const { temporal, ledger } = await settledConnections(dir);
  if (!temporal || !ledger) {
    const missing = [
      ...(temporal ? [] : ['Temporal (TEMPORAL_ADDRESS)']),
      ...(ledger ? [] : ['the ledger (DATABASE_URL)']),
    ];
    throw new SegnoError(
      'Stack.NotRunning',
      `nothing says where ${missing.join(' and ')} is, and no \`segno dev\` runs in ${dir}`,
    );
  }
  const opened = await openLedger({ connectionString: ledger.url, maxConnections: 4 });
  try {
    await migrateLedger(opened);
    const { connectionOptions, namespace } = temporal;
    const client = await SegnoClient.connect({ temporal: connectionOptions, namespace, ledger: opened, taskQueue });
    return Object.assign(client, { close: closeBoth(client, opened.close.bind(opened)) });
  } catch (error) {
    await opened.close();
    throw error;
  }
}

function closeBoth(client: SegnoClient, closeLedger: () => Promise<void>): () => Promise<void> {
  const closeClient = client.close.bind(client);
  return async () => {
    await closeClient();
    await closeLedger();
  };
}

/** A stack that is just starting is waited for. */
async function settledConnections(dir: string): Promise<Connections> {
  for (const deadline = Date.now() + 120_000; readStack(dir)?.status === 'starting' && Date.now() < deadline;)
    await delay(200);
  return resolveConnections({ env: process.env, dir });
}

/** Whether a stack runs in `dir`, or the environment names both servers. */
export async function isReachable(dir: string): Promise<boolean> {
  const { temporal, ledger } = await settledConnections(dir);
  return temporal !== undefined && ledger !== undefined;
}

/** Run `body` with a client of the project, and close it whatever happens. */
export async function withClient<T>(
  flags: ProjectFlags,
  body: (client: SegnoClient, dir: string) => Promise<T>,
): Promise<T> {
  const dir = projectDir(flags);
  const client = await connectProject(dir);
  try {
    return await body(client, dir);
  } finally {
    await client.close();
  }
}

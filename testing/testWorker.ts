import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import type { ResolvedConfig } from '../core/config.js';
import type { Ledger } from '../ledger/index.js';
import { bundleWorkflows } from '../workers/bundleWorkflows.js';
import { createWorker } from '../workers/createWorker.js';
import { testServersEnv } from './testServers.js';

/** A worker in the test's own process. */
export interface TestWorker {
  /** The owner of the steps it runs. */
  readonly instance: string;
  readonly config: ResolvedConfig;
  readonly workflowBundle: { readonly code: string };
  /** Running activities are cancelled after half a second, and go on in another worker. */
  stop(): Promise<void>;
}

export interface TestWorkerOptions {
  config: ResolvedConfig;
  ledger: Ledger;
  temporalAddress: string;
  env: NodeJS.ProcessEnv;
}

export async function startTestWorker(options: TestWorkerOptions): Promise<TestWorker> {
  const { config, ledger, temporalAddress, env } = options;
  installQuietRuntime();
  const cacheDir = process.env[testServersEnv.bundles];
  const workflowBundle = await bundleWorkflows(workflowFiles(config.workflows), { ...(cacheDir && { cacheDir }) });
  const { worker, connection, instance } = await createWorker({
    config,
    ledger,
    connection: { address: temporalAddress },
    workflowBundle,
    env,
    worker: { shutdownGraceTime: '500ms' },
  });
  const running = worker.run();
  // A worker that fails is told when it is stopped; nobody listens before.
  running.catch(() => undefined);
  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    if (worker.getState() === 'RUNNING') worker.shutdown();
    await running.finally(() => connection.close());
  };
  return { instance, config, workflowBundle, stop: () => (stopped ??= stop()) };
}

/** Absolute paths of a config's workflow modules. */
export function workflowFiles(paths: readonly string[]): string[] {
  return paths.map((path) => (path.startsWith('file:') ? fileURLToPath(path) : resolve(path)));
}

let runtimeInstalled = false;

/** Without Temporal's banner lines, and with SIGINT left to the test runner. */
export function installQuietRuntime(): void {
  if (runtimeInstalled) return;
  runtimeInstalled = true;
  try {
    Runtime.install({ logger: new DefaultLogger('WARN'), shutdownSignals: [] });
  } catch {
    // The project under test has installed its own.
  }
}

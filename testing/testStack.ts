/**
 * A project under test: its workers and a client, on real servers.
 *
 * Invariants:
 * 1. Every stack has a task queue of its own: test files share servers and never see each other's work.
 * 2. What it starts it stops: workers, connections, models, and the servers it did not find.
 */
import { randomBytes } from 'node:crypto';
import { SegnoClient } from '../client/index.js';
import {
  type Config,
  offlineProvider,
  type ProviderConfig,
  type ResolvedConfig,
  resolveConfig,
} from '../core/config.js';
import { openLedger, type Ledger } from '../ledger/index.js';
import { withToolFaults } from '../workers/chaos/withToolFaults.js';
import { startOfflineModel } from '../workers/offlineModel/server.js';
import type { TestChaos } from './chaos.js';
import type { ScriptedModel } from './scriptedModel.js';
import { findOrStartServers } from './testServers.js';
import { startTestWorker, type TestWorker } from './testWorker.js';
import { startWorkerProcess, type WorkerProcess, type WorkerProcessOptions } from './workerProcess.js';

/** The config of the project under test (its task queue does not count); `workflows` as absolute paths or file URLs (others are relative to the cwd). */
export interface TestStackOptions extends Omit<Config, 'taskQueue'> {
  /**
   * Who answers all agents, whatever `providers` says: a scripted model, which the caller closes, or the offline model.
   * Default: the config's own providers.
   */
  model?: ScriptedModel | 'offline';
  /** A PostgreSQL database for the ledger; it is migrated. Default: the test run's. */
  databaseUrl?: string;
  /** For the worker, for example API keys. Default: `process.env`. */
  env?: NodeJS.ProcessEnv;
  /** Faults of tools, and of the offline model; a scripted model takes them when it is made. */
  chaos?: TestChaos;
  /** False starts none; see `startWorker` and `startWorkerProcess`. Default true: one in this process. */
  worker?: boolean;
}

export interface TestStack {
  readonly client: SegnoClient;
  readonly ledger: Ledger;
  readonly taskQueue: string;
  /** host:port */
  readonly temporalAddress: string;
  readonly databaseUrl: string;
  /** Another worker in this process, for the same runs; `changes` are to the config, as a deploy would make them. */
  startWorker(changes?: Partial<Config>): Promise<TestWorker>;
  /** A worker in a process of its own, as production has it: it can be killed, and recovers what a killed one left. */
  startWorkerProcess(options: WorkerProcessOptions): Promise<WorkerProcess>;
  close(): Promise<void>;
}

/**
 * Start a project with everything it needs: servers (shared, when `startTestServers` ran), a worker, a client.
 *
 * @throws SegnoError `Config.Invalid`, `Temporal.NotFound`, `Stack.StartFailed`, `Ledger.Unavailable`
 */
export async function startTestStack(options: TestStackOptions): Promise<TestStack> {
  const { model, databaseUrl, env = process.env, chaos, worker = true, ...given } = options;
  const taskQueue = `test-${randomBytes(5).toString('hex')}`;
  const closing: (() => Promise<unknown>)[] = [];
  const close = async (): Promise<void> => {
    for (let end = closing.pop(); end; end = closing.pop()) await end();
  };
  try {
    const servers = await findOrStartServers({ databaseUrl });
    closing.push(() => servers.close());
    const modelUrl = await urlOf(model, chaos, closing);
    const ledger = await openLedger({ connectionString: servers.databaseUrl });
    closing.push(() => ledger.close());
    const client = await SegnoClient.connect({
      temporal: { address: servers.temporalAddress },
      ledger,
      taskQueue,
    });
    closing.push(() => client.close());

    const startWorker = async (changes: Partial<Config> = {}): Promise<TestWorker> => {
      const project = answeredBy(modelUrl, resolveConfig({ ...given, ...changes, taskQueue }));
      const config = chaos ? withToolFaults(project, chaos.decide) : project;
      const started = await startTestWorker({ config, ledger, temporalAddress: servers.temporalAddress, env });
      closing.push(() => started.stop());
      return started;
    };
    if (worker) await startWorker();
    return {
      client,
      ledger,
      taskQueue,
      temporalAddress: servers.temporalAddress,
      databaseUrl: servers.databaseUrl,
      startWorker,
      async startWorkerProcess(processOptions) {
        const started = await startWorkerProcess(processOptions, {
          ...env,
          TEMPORAL_ADDRESS: servers.temporalAddress,
          DATABASE_URL: servers.databaseUrl,
          SEGNO_TEST_TASK_QUEUE: taskQueue,
          ...(modelUrl !== undefined && { SEGNO_OFFLINE_MODEL_URL: modelUrl }),
        });
        closing.push(() => started.stop());
        return started;
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function urlOf(
  model: TestStackOptions['model'],
  chaos: TestChaos | undefined,
  closing: (() => Promise<unknown>)[],
): Promise<string | undefined> {
  if (model !== 'offline') return model?.url;
  const offline = await startOfflineModel(chaos ? { chaos: chaos.decide } : {});
  closing.push(() => offline.close());
  return offline.url;
}

/** The aliases keep their names, prices and limits; only the address changes. */
function answeredBy(modelUrl: string | undefined, config: ResolvedConfig): ResolvedConfig {
  if (modelUrl === undefined) return config;
  const names = new Set([offlineProvider, ...Object.values(config.models).map(({ provider }) => provider)]);
  return {
    ...config,
    providers: Object.fromEntries([...names].map((name) => [name, provider(config, name, modelUrl)])),
  };
}

/** Stacks share a ledger, and with it the breaker of a provider they name alike: only who asks for one has one. */
function provider({ providers }: ResolvedConfig, name: string, baseURL: string): ProviderConfig {
  const { limits, breaker = false } = providers[name] ?? {};
  return { baseURL, breaker, ...(limits && { limits }) };
}

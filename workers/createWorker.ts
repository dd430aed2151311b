import { createHash, randomBytes } from 'node:crypto';
import {
  NativeConnection,
  type NativeConnectionOptions,
  Runtime,
  type WorkerOptions,
  Worker,
} from '@temporalio/worker';
import { createActivities } from '../activities/createActivities.js';
import { Metrics } from '../activities/metrics.js';
import { ModelClients } from '../activities/model/modelClients.js';
import { TranscriptCache } from '../activities/model/transcriptCache.js';
import type { ResolvedConfig } from '../core/config.js';
import type { SpanRecorder } from '../core/trace.js';
import { type Ledger, ledgerBlobStore } from '../ledger/index.js';
import { historyOptions } from './historyOptions.js';
import { endedSpan } from './tracing/endedSpan.js';

export interface CreateWorkerOptions {
  config: ResolvedConfig;
  ledger: Ledger;
  /** Address, TLS and API key of the Temporal server. */
  connection: NativeConnectionOptions;
  namespace?: string;
  /** From `bundleWorkflows`; without the names of its workflows, plans cannot start them. */
  workflowBundle: { code: string; workflows?: readonly string[] };
  /** Unique to this process start; the owner of the steps it runs. Default: random. */
  instance?: string;
  env?: NodeJS.ProcessEnv;
  /** From `startTracing`; stop it when the worker has ended. */
  tracing?: SpanRecorder | undefined;
  /** Anything else of Temporal's own worker. */
  worker?: Partial<WorkerOptions>;
}

export interface SegnoWorker {
  worker: Worker;
  connection: NativeConnection;
  instance: string;
}

/** Short: it stands in several events of every step's history. */
export function newInstance(): string {
  return randomBytes(6).toString('base64url');
}

/**
 * An activation over the SDK's 5 s ends the whole process: Node's async hooks do not survive the time-out of its VM (seen with SDK
 * 1.24, Node 20.19). A starved machine, or a thousand signals at once, may well need more. The SDK takes the option and does not name it.
 */
const longActivations = { isolateExecutionTimeout: '15s' } as Partial<WorkerOptions>;

/** A Temporal worker that runs a project's agents, tools and workflows. Close `connection` when `worker.run()` has ended. */
export async function createWorker(options: CreateWorkerOptions): Promise<SegnoWorker> {
  const { config, ledger, namespace = 'default', instance = newInstance(), env = process.env } = options;
  const connection = await NativeConnection.connect(options.connection);
  // Of the runtime that the connection has begun; without an exporter it counts nothing.
  const metrics = new Metrics(Runtime.instance().metricMeter, config);
  try {
    const activities = createActivities({
      ledger,
      config,
      models: new ModelClients(config, env),
      transcripts: new TranscriptCache(),
      owner: instance,
      metrics,
      spans: options.tracing,
      workflows: options.workflowBundle.workflows ?? [],
    });
    const history = historyOptions({
      workflowBundle: { code: options.workflowBundle.code },
      blobs: ledgerBlobStore(ledger),
      onEnded: (ended) => {
        metrics.ended(ended);
        const span = options.tracing && endedSpan(ended);
        if (span) options.tracing?.record(span);
      },
    });
    const worker = await Worker.create({
      connection,
      namespace,
      taskQueue: config.taskQueue,
      identity: instance,
      // Names the workflow code; the SDK's default is ten times as long, and stands in three events of every step.
      buildId: createHash('sha256').update(options.workflowBundle.code).digest('base64url').slice(0, 8),
      ...history,
      activities,
      // Quick steps wait for the ledger most of their time; a hundred at once would only wait for each other, and time out.
      maxConcurrentLocalActivityExecutions: 16,
      // A workflow task has a second from the moment it is taken: more of them at once would wait for each other here, and time out.
      maxConcurrentWorkflowTaskExecutions: 16,
      // Cancellation reaches an activity with the answer to its heartbeat: every half second, not every 8.
      maxHeartbeatThrottleInterval: '500ms',
      defaultHeartbeatThrottleInterval: '500ms',
      shutdownGraceTime: '5s',
      ...longActivations,
      ...options.worker,
      sinks: { ...options.worker?.sinks, ...history.sinks },
    });
    return { worker, connection, instance };
  } catch (error) {
    await connection.close();
    throw error;
  }
}

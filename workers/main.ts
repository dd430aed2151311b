/**
 * The worker's process: `node dist/workers/main.js [--config PATH] [--await-connections]`. Where servers are, it reads from the
 * environment; with `--await-connections` it loads the project first and gets the rest of the environment as a message of
 * its parent.
 */
import { once } from 'node:events';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { Metrics } from '../activities/metrics.js';
import { type ResolvedConfig, usesProviders } from '../core/config.js';
import { SegnoError } from '../core/errors.js';
import { migrateLedger, openLedger, PlaceKeeper } from '../ledger/index.js';
import { bundleWorkflows } from './bundleWorkflows.js';
import { chaosFileVariable, chaosOf } from './chaos/rulesFile.js';
import { withToolFaults } from './chaos/withToolFaults.js';
import { createWorker, newInstance } from './createWorker.js';
import { chooseFreePort } from './embedded/freePort.js';
import { outsideConnections } from './embedded/resolveConnections.js';
import { stackDir } from './embedded/stackState.js';
import { showLedger } from './ledgerGauges.js';
import { keepAlive } from './liveness.js';
import { loadProject } from './loadProject.js';
import { metricsSettings, metricsTelemetry } from './metricsEndpoint.js';
import { Recovery } from './recovery.js';
import { shutdownGraceMs } from './shutdownGrace.js';
import { startTracing } from './tracing/startTracing.js';

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { config: { type: 'string' }, 'await-connections': { type: 'boolean', default: false } },
  });
  const project = await loadProject(
    values.config === undefined ? { dir: process.cwd() } : { configPath: values.config },
  );
  let { config } = project;
  const { taskQueue } = config;

  const bundling = bundleWorkflows(project.workflowPaths, { cacheDir: join(stackDir(project.dir), 'cache') });
  // Its failure is told where it is awaited; until then it is nobody's.
  bundling.catch(() => undefined);
  if (values['await-connections']) {
    const [connections] = (await once(process, 'message')) as [NodeJS.ProcessEnv];
    Object.assign(process.env, connections, await freeMetricsPort(connections));
    config = underChaos(config, connections);
  }
  const { temporal, ledger: ledgerAt } = outsideConnections(process.env);
  if (!temporal || !ledgerAt)
    throw new SegnoError('Stack.NotRunning', 'the worker needs TEMPORAL_ADDRESS and DATABASE_URL');
  const { namespace, connectionOptions } = temporal;
  const shutdownGraceTime = shutdownGraceMs(process.env);
  const metrics = metricsSettings(config.metrics, process.env);
  const tracing = await startTracing(process.env);
  // From here on the signals end the worker in order; before, they simply end the process.
  const runtime = Runtime.install({
    logger: new DefaultLogger('WARN'),
    shutdownSignals: ['SIGINT', 'SIGTERM'],
    ...(metrics && { telemetryOptions: await metricsTelemetry(metrics) }),
  });
  const [ledger, clientConnection] = await Promise.all([
    openLedger({ connectionString: ledgerAt.url }),
    Connection.connect(connectionOptions),
  ]);
  await migrateLedger(ledger);
  const instance = newInstance();
  const client = new Client({ connection: clientConnection, namespace });
  const { metricMeter: meter } = runtime;
  const counted = new Metrics(meter, config);
  // Before this worker can work: what a dead one left is ready to go on by then.
  const stopBeating = await keepAlive({
    ledger,
    instance,
    taskQueue,
    recovery: new Recovery({ ledger, client, namespace, taskQueue, instance }),
    places: new PlaceKeeper(ledger, client),
    onDeclaredDead: () => {
      console.error(
        `worker ${instance} was declared dead by another worker; its steps have been taken over, so it ends`,
      );
      process.exit(75);
    },
    onError: tell('liveness'),
    onLeasesExpired: (count) => counted.leasesExpired(count),
  });
  const stopShowing = metrics && showLedger({ ledger, meter, config, onError: tell('metrics') });
  const { worker, connection } = await createWorker({
    config,
    ledger,
    connection: connectionOptions,
    namespace,
    workflowBundle: await bundling,
    instance,
    tracing,
    worker: { shutdownGraceTime },
  });
  // A worker whose parent is gone would hold on to a stack that nobody knows of.
  process.on('disconnect', () => {
    // One that a signal has told to end already refuses to be told again.
    if (worker.getState() === 'RUNNING') worker.shutdown();
  });
  const running = worker.run();
  process.stdout.write(
    `${JSON.stringify({ ready: true, instance, ...(metrics && { metrics: `http://127.0.0.1:${metrics.port}/metrics` }) })}\n`,
  );
  await running;
  await Promise.all([stopBeating(), stopShowing?.(), tracing?.stop()]);
  await Promise.all([connection.close(), clientConnection.close(), ledger.close()]);
}

/** Only a parent can ask for it, and only of a project that no provider serves. */
function underChaos(config: ResolvedConfig, { [chaosFileVariable]: file }: NodeJS.ProcessEnv): ResolvedConfig {
  return file === undefined || usesProviders(config.models) ? config : withToolFaults(config, chaosOf(file));
}

/** The stack's port for metrics was free when it was planned; by now another stack may have it, which is no reason not to work. */
async function freeMetricsPort({ SEGNO_METRICS_PORT: port }: NodeJS.ProcessEnv): Promise<NodeJS.ProcessEnv> {
  return port === undefined ? {} : { SEGNO_METRICS_PORT: String(await chooseFreePort([Number(port)], new Set())) };
}

function tell(what: string): (error: unknown) => void {
  return (error) => console.error(`${what}: ${error instanceof Error ? error.message : String(error)}`);
}

try {
  await main();
} catch (error) {
  const text =
    error instanceof SegnoError
      ? `${error.type}: ${error.message}`
      : String(error instanceof Error ? error.stack : error);
  process.stderr.write(`${text}\n`);
  process.exitCode = 1;
}
// Handles that a failed start leaves open must not keep the process.
process.exit();

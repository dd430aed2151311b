/** The same activities under a worker as the SDK has it: nothing that notices a dead one. `plainWorker.ts CONFIG` */
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { bundleWorkflows, createWorker, loadProject, openLedger } from 'segno/worker';

Runtime.install({ logger: new DefaultLogger('ERROR') });
const { config, workflowPaths } = await loadProject({ configPath: process.argv[2]! });
const [ledger, workflowBundle] = await Promise.all([
  openLedger({ connectionString: process.env['DATABASE_URL']! }),
  bundleWorkflows(workflowPaths),
]);
const { worker, instance } = await createWorker({
  config,
  ledger,
  connection: { address: process.env['TEMPORAL_ADDRESS']! },
  workflowBundle,
});
const running = worker.run();
process.stdout.write(`${JSON.stringify({ ready: true, instance })}\n`);
await running;

/** What every benchmark runs on: the tuned embedded server, a PGlite ledger, a zero-latency model, one worker of each kind. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { SegnoClient } from 'segno/client';
import { bundleWorkflows, createWorker, type Ledger, loadProject, migrateLedger, openLedger } from 'segno/worker';
import { startStack } from '../workers/embedded/startStack.js';

export interface Bench {
  client: SegnoClient;
  ledger: Ledger;
  temporalAddress: string;
  /** Start a workflow of project/workflow.ts, wait for it. */
  run<Result>(
    workflow: string,
    input: unknown,
    queue?: 'segno' | 'bare',
  ): Promise<{ result: Result; id: string; elapsedMs: number }>;
  historyBytes(id: string): Promise<number>;
  close(): Promise<void>;
}

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Activities as a user of the plain SDK would write them. */
export const bareActivities = {
  addOne: (n: number): Promise<number> => Promise.resolve(n + 1),
  continueConversation: (messages: string[], bytes: number): Promise<string> =>
    Promise.resolve(`${messages.length} `.padEnd(bytes, 'word ')),
};

export async function startBareWorker(address: string, taskQueue: string, code: string): Promise<() => Promise<void>> {
  const connection = await NativeConnection.connect({ address });
  const worker = await Worker.create({ connection, taskQueue, workflowBundle: { code }, activities: bareActivities });
  const running = worker.run();
  return async () => {
    worker.shutdown();
    await running;
    await connection.close();
  };
}

export async function startModel(): Promise<{ url: string; stop(): void }> {
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), here('./model.ts')], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  for await (const line of createInterface({ input: child.stdout! })) {
    return { url: (JSON.parse(line) as { url: string }).url, stop: () => void child.kill() };
  }
  throw new Error('the model server did not start');
}

export async function startBench(): Promise<Bench> {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const dir = await mkdtemp(join(tmpdir(), 'segno-bench-'));
  const model = await startModel();
  const stack = await startStack({ dir, worker: false, env: { ...process.env, SEGNO_OFFLINE_MODEL_URL: model.url } });
  const temporalAddress = stack.addresses.temporal!;
  const ledger = await openLedger({ connectionString: stack.addresses.ledger! });
  const client = await SegnoClient.connect({ temporal: { address: temporalAddress }, ledger });
  const project = await loadProject({ configPath: here('./project/segno.config.ts') });
  const workflowBundle = await bundleWorkflows(project.workflowPaths);
  await migrateLedger(ledger);
  const segno = await createWorker({
    config: project.config,
    ledger,
    connection: { address: temporalAddress },
    workflowBundle,
    env: { ...process.env, SEGNO_OFFLINE_MODEL_URL: model.url },
  });
  const running = segno.worker.run();
  const stopBare = await startBareWorker(temporalAddress, 'bare', workflowBundle.code);
  let runs = 0;
  return {
    client,
    ledger,
    temporalAddress,
    async run(workflow, input, queue = 'segno') {
      const started = performance.now();
      const id = `bench-${(runs += 1)}`;
      if (queue === 'segno') {
        const result = await (await client.start(workflow, input, { id })).result();
        return { result: result as never, id, elapsedMs: performance.now() - started };
      }
      const handle = await client.temporal.workflow.start(workflow, {
        workflowId: id,
        taskQueue: 'bare',
        args: [input],
      });
      return { result: (await handle.result()) as never, id, elapsedMs: performance.now() - started };
    },
    async historyBytes(id) {
      return (await client.temporal.workflow.getHandle(id).describe()).historySize ?? Number.NaN;
    },
    async close() {
      segno.worker.shutdown();
      await running;
      await segno.connection.close();
      await stopBare();
      await client.close();
      await ledger.close();
      await stack.stop();
      model.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

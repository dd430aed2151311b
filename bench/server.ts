/** The embedded stack's Temporal against `temporal server start-dev` as it comes: time of a sequential bare activity. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { bundleWorkflows } from 'segno/worker';
import { chooseFreePort } from '../workers/embedded/freePort.js';
import { findTemporal } from '../workers/embedded/temporalBinary.js';
import { temporalServerArgs, untilTemporalServes } from '../workers/embedded/temporalServer.js';
import { fileURLToPath } from 'node:url';
import { startBareWorker } from './bench.js';
import { format, ratio, type Row, spread } from './statistics.js';

const rounds = 5;
const count = 60;

interface Server {
  client: Client;
  stop(): Promise<void>;
}

async function startServer(kind: 'tuned' | 'shipped', dir: string, code: string): Promise<Server> {
  const { path } = await findTemporal({ env: process.env });
  const taken = new Set<number>();
  const [port, uiPort] = [await chooseFreePort([], taken), await chooseFreePort([], taken)];
  const dbFile = join(dir, `${kind}.db`);
  const shipped = [
    'server',
    'start-dev',
    '--ip',
    '127.0.0.1',
    '--port',
    String(port),
    '--ui-port',
    String(uiPort),
    '--db-filename',
    dbFile,
    '--log-level',
    'error',
  ];
  const args = kind === 'tuned' ? temporalServerArgs({ dbFile, port, uiPort, namespace: 'default' }) : shipped;
  const child = spawn(path, args, { stdio: 'ignore' });
  const address = `127.0.0.1:${port}`;
  await untilTemporalServes(address, 'default', AbortSignal.timeout(60_000));
  const stopWorker = await startBareWorker(address, 'bare', code);
  const connection = await Connection.connect({ address });
  return {
    client: new Client({ connection }),
    async stop() {
      await stopWorker();
      await connection.close();
      child.kill();
      await new Promise((resolve) => child.once('exit', resolve));
    },
  };
}

async function msPerStep({ client }: Server, id: string): Promise<number> {
  const handle = await client.workflow.start('sequence', {
    workflowId: id,
    taskQueue: 'bare',
    args: [{ step: 'bare', count }],
  });
  const times = (await handle.result()) as number[];
  return (times.at(-1)! - times[0]!) / count;
}

export async function benchServer(): Promise<Row[]> {
  const dir = await mkdtemp(join(tmpdir(), 'segno-bench-server-'));
  const { code } = await bundleWorkflows([fileURLToPath(new URL('./project/workflow.ts', import.meta.url))]);
  const tuned = await startServer('tuned', dir, code);
  const shipped = await startServer('shipped', dir, code);
  const values = { tuned: [] as number[], shipped: [] as number[] };
  for (let round = 0; round < rounds; round += 1) {
    values.tuned.push(await msPerStep(tuned, `tuned-${round}`));
    values.shipped.push(await msPerStep(shipped, `shipped-${round}`));
  }
  await tuned.stop();
  await shipped.stop();
  await rm(dir, { recursive: true, force: true });
  const faster = ratio(values.shipped, values.tuned);
  return [
    { figure: 'sequential bare activity, start-dev as shipped', value: format(spread(values.shipped), 'ms') },
    {
      figure: 'sequential bare activity, embedded server',
      value: `${format(spread(values.tuned), 'ms')}; ${format(faster, '×')} faster`,
      target: 'at least 5 ×',
      met: faster.median >= 5,
    },
  ];
}

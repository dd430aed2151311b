/**
 * `npm run bench:recovery [-- KILLS [PLAIN_KILLS]]`: how long a run stands still when its worker is killed.
 *
 * One run of quick steps and one of remote steps are under way; the worker is killed at a random moment and started again
 * at once, as a supervisor does. Measured for both runs, until the new worker has begun a step: from the new worker's
 * readiness, and from the kill. The same with a plain worker and Temporal's default time-outs.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { SegnoClient } from 'segno/client';
import { migrateLedger, openLedger, type Ledger } from 'segno/worker';
import { startOfflineModel } from '../workers/offlineModel/server.js';
import { startStack } from '../workers/embedded/startStack.js';
import { seedOfThisRun } from '../testing/chaos.js';
import { seeded } from '../test/chaos/random.js';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const config = here('../test/chaos/project/segno.config.ts');
const workers = {
  segno: [here('../dist/workers/main.js'), '--config', config],
  plain: ['--import', import.meta.resolve('tsx'), here('./plainWorker.ts'), config],
};
type Kind = keyof typeof workers;

interface StartedWorker {
  readonly process: ChildProcess;
  readonly instance: string;
}

interface Sample {
  readonly fromReadyMs: number;
  readonly fromKillMs: number;
}

const seed = seedOfThisRun();
const random = seeded(seed);
const dir = await mkdtemp(join(tmpdir(), 'segno-recovery-'));
const model = await startOfflineModel({ latencyMs: 100 });
const stack = await startStack({
  dir,
  worker: false,
  anyPorts: true,
  env: { ...process.env, SEGNO_OFFLINE_MODEL_URL: model.url },
});
const ledger = await openLedger({ connectionString: stack.addresses.ledger! });
await migrateLedger(ledger);
const client = await SegnoClient.connect({ temporal: { address: stack.addresses.temporal! }, ledger });

async function startWorker(kind: Kind): Promise<StartedWorker> {
  const child = spawn(process.execPath, workers[kind], {
    stdio: ['ignore', 'pipe', 'ignore', 'ipc'],
    env: {
      ...process.env,
      TEMPORAL_ADDRESS: stack.addresses.temporal,
      DATABASE_URL: stack.addresses.ledger,
      SEGNO_OFFLINE_MODEL_URL: model.url,
      SEGNO_CHAOS_DIR: dir,
    },
  });
  const [line] = (await once(createInterface({ input: child.stdout! }), 'line')) as [string];
  return { process: child, instance: (JSON.parse(line) as { instance: string }).instance };
}

async function start(kind: Kind, workflow: string, input: unknown): Promise<{ id: string; runId: string }> {
  if (kind === 'segno') return client.start(workflow, input as never);
  const handle = await client.temporal.workflow.start(workflow, {
    workflowId: `plain-${workflow}-${Date.now()}`,
    taskQueue: 'segno',
    args: [input],
  });
  return { id: handle.workflowId, runId: handle.firstExecutionRunId };
}

/** When the worker began its first step of the run; the ledger's clock is this machine's. */
async function firstStep(ledger: Ledger, runId: string, instance: string): Promise<number> {
  for (;;) {
    const { rows } = await ledger.query<{ at: Date | null }>(
      'select min(started_at) as at from segno.steps where run_id = $1 and owner = $2',
      [runId, instance],
    );
    if (rows[0]?.at) return rows[0].at.getTime();
    await delay(5);
  }
}

async function killOnce(kind: Kind, worker: StartedWorker): Promise<{ next: StartedWorker; samples: Sample[] }> {
  const runs = await Promise.all([
    start(kind, 'countItems', { count: 100_000, width: 1 }),
    start(kind, 'keepWorking', { rounds: 10_000 }),
  ]);
  await Promise.all(runs.map(({ runId }) => firstStep(ledger, runId, worker.instance)));
  await delay(300 + random.next() * 1_200);
  const killedAtMs = Date.now();
  worker.process.kill('SIGKILL');
  const next = await startWorker(kind);
  const readyAtMs = Date.now();
  const samples = await Promise.all(
    runs.map(async ({ runId }) => {
      const atMs = await firstStep(ledger, runId, next.instance);
      return { fromReadyMs: Math.max(0, atMs - readyAtMs), fromKillMs: atMs - killedAtMs };
    }),
  );
  await Promise.all(runs.map(({ id }) => client.temporal.workflow.getHandle(id).terminate()));
  process.stderr.write(`${kind} ${samples.map(({ fromReadyMs, fromKillMs }) => `${fromReadyMs}/${fromKillMs}`)}\n`);
  return { next, samples };
}

async function measure(kind: Kind, kills: number): Promise<Sample[][]> {
  const all: Sample[][] = [];
  let worker = await startWorker(kind);
  for (let kill = 0; kill < kills; kill += 1) {
    const { next, samples } = await killOnce(kind, worker);
    worker = next;
    all.push(samples);
  }
  worker.process.kill('SIGKILL');
  return all;
}

function percentile(values: readonly number[], share: number): string {
  const sorted = [...values].sort((a, b) => a - b);
  const value = sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
  return `${(value / 1000).toFixed(2)} s`;
}

const [kills = 20, plainKills = 10] = process.argv.slice(2).map(Number);
process.stdout.write(
  `${new Date().toISOString().slice(0, 10)}, Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model.trim()}, SEGNO_SEED=${seed}\n\n` +
    '| worker | steps | kills | from ready p50 | p95 | from kill p50 | p95 |\n| --- | --- | --- | --- | --- | --- | --- |\n',
);
for (const [kind, count] of [
  ['segno', kills],
  ['plain', plainKills],
] as const) {
  const samples = await measure(kind, count);
  for (const [index, steps] of ['quick', 'remote'].entries()) {
    const of = (field: keyof Sample): number[] => samples.flatMap((pair) => pair[index]?.[field] ?? []);
    const cells = (['fromReadyMs', 'fromKillMs'] as const).flatMap((field) =>
      [0.5, 0.95].map((p) => percentile(of(field), p)),
    );
    process.stdout.write(`| ${kind} | ${steps} | ${count} | ${cells.join(' | ')} |\n`);
  }
}
await client.close();
await ledger.close();
await stack.stop();
await model.close();
await rm(dir, { recursive: true, force: true });
process.exit();

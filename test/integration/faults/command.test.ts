/** `segno chaos` as a user has it: the compiled command, beside a `segno dev` of its own. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SegnoClient } from '../../../client/index.js';
import { openLedger, type Ledger } from '../../../ledger/index.js';
import { readStack } from '../../../workers/embedded/stackState.js';
import { type DevProcess, startDev } from '../../chaos/devProcess.js';
import { readRun, type StepRecord } from '../../chaos/readRun.js';
import type { note } from './project/workflow.js';

const cli = join(import.meta.dirname, '../../../dist/cli/main.js');
const inherited = Object.entries(process.env).filter(([name]) => !/^(TEMPORAL_|DATABASE_URL|SEGNO_)/.test(name));

let dir: string;
let dev: DevProcess;
let ledger: Ledger;
let client: SegnoClient;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'segno-faults-'));
  const project = pathToFileURL(join(import.meta.dirname, 'project/segno.config.ts')).href;
  writeFileSync(join(dir, 'package.json'), '{"type":"module"}\n');
  writeFileSync(join(dir, 'segno.config.ts'), `export { default } from '${project}';\n`);
  dev = await startDev(dir, {}, join(dir, 'segno.config.ts'));
  const { addresses } = readStack(dir)!;
  ledger = await openLedger({ connectionString: addresses.ledger! });
  client = await SegnoClient.connect({ temporal: { address: addresses.temporal! }, ledger });
}, 120_000);
afterAll(async () => {
  await client?.close();
  await ledger?.close();
  await dev?.stop();
  rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
}, 60_000);

interface Said {
  readonly code: number;
  readonly out: string;
}

function chaos(args: string, env: NodeJS.ProcessEnv = {}): Promise<Said> {
  const options = { cwd: dir, env: { ...Object.fromEntries(inherited), ...env } };
  return new Promise((resolve) => {
    execFile(process.execPath, [cli, 'chaos', ...args.split(' ').filter(Boolean)], options, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, out: `${stdout}${stderr}` }),
    );
  });
}

async function runNote(): Promise<StepRecord[]> {
  const run = await client.start<typeof note>('note', { item: 'kettle' });
  await run.result();
  return readRun(ledger, run.runId);
}

const errorsOf = (steps: readonly StepRecord[], name: string): (string | undefined)[] =>
  steps.filter((step) => step.name === name).flatMap(({ attempts }) => attempts.map(({ errorType }) => errorType));

it('injects faults of the model, the worker and a tool, counts them, and ends them', async () => {
  expect(await chaos('--provider 500 --of segno-offline --limit 1 --seed 7 --for 5m')).toEqual({
    code: 0,
    out: expect.stringMatching(/^provider 500: for 5 m 00 s, seed 7\./) as string,
  });
  expect(errorsOf(await runNote(), 'clerk')).toEqual(['Model.ServerError', undefined]);
  expect(errorsOf(await runNote(), 'clerk')).toEqual([undefined]);

  const worker = (): number | undefined => readStack(dir)?.children.find(({ name }) => name === 'worker')?.pid;
  const killed = worker();
  await chaos('--tool before --of mail --limit 1 --for 5m');
  const { out } = await chaos('--worker kill --for 5m --json');
  expect(JSON.parse(out)).toMatchObject({ seed: expect.any(Number) as number, rules: [{ rule: { at: 'worker' } }] });
  await expect.poll(worker, { timeout: 30_000 }).not.toBe(killed);
  await expect(runNote()).rejects.toMatchObject({
    type: 'Tool.Failed',
    message: expect.stringContaining('before the effect') as string,
  });
  expect(errorsOf(await runNote(), 'mail')).toEqual([undefined]);

  const status = JSON.parse((await chaos('status --json')).out) as { strikes: number; atWork: boolean }[];
  expect(status).toMatchObject([
    { rule: { at: 'provider', fault: '500', model: 'segno-offline', limit: 1 }, strikes: 1, atWork: true },
    { rule: { at: 'tool', fault: 'before', tool: 'mail' }, strikes: 1, atWork: true },
    { rule: { at: 'worker', fault: 'kill' }, strikes: 1, atWork: true },
  ]);
  expect((await chaos('stop')).out).toBe('Ended 3.\n');
}, 90_000);

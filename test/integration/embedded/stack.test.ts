import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Client, Connection } from '@temporalio/client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { checkLedger, checkTemporal, type DoctorContext } from '../../../cli/commands/doctorChecks.js';
import { openLedger } from '../../../ledger/index.js';
import { resolveConnections } from '../../../workers/embedded/resolveConnections.js';
import { readStack } from '../../../workers/embedded/stackState.js';
import { startStack } from '../../../workers/embedded/startStack.js';
import { isSameProcess } from '../../../workers/processIdentity.js';

const root = join(import.meta.dirname, '../../..');
const inherited = Object.entries(process.env).filter(([name]) => !/^(TEMPORAL_|DATABASE_URL|SEGNO_)/.test(name));

let dir: string;
let env: NodeJS.ProcessEnv;
const model = createServer((_request, response) => response.end('{}'));

beforeAll(async () => {
  await new Promise<void>((resolve) => model.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(model.address() as AddressInfo).port}/v1`;
  // The servers that hold state are the subject here; the model stays outside.
  env = { ...Object.fromEntries(inherited), SEGNO_OFFLINE_MODEL_URL: url };
});
afterAll(() => {
  model.close();
});
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'segno-stack-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

interface Dev {
  readonly process: ChildProcess;
  readonly line: Record<string, unknown>;
  readonly stderr: () => string;
  exit(): Promise<number | null>;
}

/** `segno dev --no-worker --json` as a process of its own. */
async function startDev(extra: NodeJS.ProcessEnv = {}): Promise<Dev> {
  const script = join(dir, 'dev.mts');
  writeFileSync(
    script,
    `import { devCommand } from ${JSON.stringify(join(root, 'cli/commands/dev.ts'))};
     await devCommand().parseAsync(process.argv.slice(2), { from: 'user' });`,
  );
  const args = ['--import', import.meta.resolve('tsx'), script, '--dir', dir, '--no-worker', '--json'];
  const child = spawn(process.execPath, args, { env: { ...env, ...extra }, stdio: ['ignore', 'pipe', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const exited = once(child, 'exit').then(([code]) => code as number | null);
  const line = await Promise.race([
    once(createInterface({ input: child.stdout }), 'line').then(([text]) => String(text)),
    exited.then((code) => Promise.reject(new Error(`segno dev ended with ${code}: ${stderr}`))),
  ]);
  return {
    process: child,
    line: JSON.parse(line) as Record<string, unknown>,
    stderr: () => stderr,
    exit: () => exited,
  };
}

async function withTemporal<T>(address: string, use: (client: Client) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address });
  try {
    return await use(new Client({ connection }));
  } finally {
    await connection.close();
  }
}

const startWaiting = (address: string, workflowId: string): Promise<unknown> =>
  withTemporal(address, (client) => client.workflow.start('anything', { workflowId, taskQueue: 'nobody', args: [] }));

describe('the embedded stack', () => {
  it('serves Temporal, its UI and the ledger when it says it is ready', async () => {
    const stack = await startStack({ dir, env, worker: false });
    try {
      const { temporal, temporalUi, ledger } = stack.addresses;
      await startWaiting(temporal ?? '', 'first');
      expect((await fetch(temporalUi ?? '')).status).toBe(200);
      const database = await openLedger({ connectionString: ledger ?? '' });
      expect((await database.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
      await database.close();
      const context = { connections: resolveConnections({ env, dir }) } as DoctorContext;
      expect(await checkTemporal(context)).toMatchObject({
        status: 'ok',
        message: expect.stringMatching(/server 1\./),
      });
      expect(await checkLedger(context)).toMatchObject({
        status: 'warn',
        message: expect.stringMatching(/schema 0 of/),
      });
    } finally {
      await stack.stop();
    }
    expect(readStack(dir)).toBeUndefined();
  }, 90_000);

  it('stops what it started, and nothing else, on Ctrl-C', async () => {
    const dev = await startDev();
    const children = readStack(dir)?.children ?? [];
    expect(children.map(({ name }) => name).toSorted()).toEqual(['ledger', 'temporal']);
    dev.process.kill('SIGINT');
    expect(await dev.exit()).toBe(0);
    expect(children.some(isSameProcess)).toBe(false);
    expect((await fetch(env['SEGNO_OFFLINE_MODEL_URL'] ?? '')).status).toBe(200);
  }, 90_000);

  it('goes on with running workflows and the ledger after a kill -9 of everything it can hit', async () => {
    const first = await startDev();
    const { temporal, ledger } = first.line as { temporal: string; ledger: string };
    await startWaiting(temporal, 'survivor');
    const database = await openLedger({ connectionString: ledger });
    await database.query('create table public.kept (n integer)');
    await database.query('insert into public.kept values (42)');
    await database.close();
    const orphans = readStack(dir)?.children ?? [];
    first.process.kill('SIGKILL');
    await first.exit();

    const second = await startDev();
    expect(second.line, second.stderr()).toMatchObject({ temporal, ledger });
    expect(second.stderr()).toMatch(/ended what a killed stack left running: temporal/);
    expect(orphans.some(isSameProcess)).toBe(false);
    const status = await withTemporal(temporal, async (client) => {
      return (await client.workflow.getHandle('survivor').describe()).status.name;
    });
    expect(status).toBe('RUNNING');
    const reopened = await openLedger({ connectionString: ledger });
    expect((await reopened.query('select n from public.kept')).rows).toEqual([{ n: 42 }]);
    await reopened.close();
    second.process.kill('SIGTERM');
    expect(await second.exit()).toBe(0);
  }, 120_000);

  it('restarts Temporal when it is killed, on the same address and data', async () => {
    let told: (name: string) => void = () => undefined;
    const restarted = new Promise<string>((resolve) => (told = resolve));
    const stack = await startStack({
      dir,
      env,
      worker: false,
      onEvent: (event) => {
        if (event.kind === 'ready' && event.restarted) told(event.name);
      },
    });
    try {
      await startWaiting(stack.addresses.temporal ?? '', 'survivor');
      const temporal = readStack(dir)?.children.find(({ name }) => name === 'temporal');
      process.kill(temporal?.pid ?? -1, 'SIGKILL');
      expect(await restarted).toBe('temporal');
      const status = await withTemporal(stack.addresses.temporal ?? '', async (client) => {
        return (await client.workflow.getHandle('survivor').describe()).status.name;
      });
      expect(status).toBe('RUNNING');
    } finally {
      await stack.stop();
    }
  }, 90_000);

  it('starts only the rest when Temporal is named from outside', async () => {
    const outside = mkdtempSync(join(tmpdir(), 'segno-outside-'));
    const temporalOnly = { ...env, DATABASE_URL: 'postgres://db.example/segno' };
    const server = await startStack({ dir: outside, env: temporalOnly, worker: false });
    try {
      const dev = await startDev({ TEMPORAL_ADDRESS: server.addresses.temporal });
      expect(readStack(dir)?.children.map(({ name }) => name)).toEqual(['ledger']);
      expect(dev.line).toMatchObject({ outside: { Temporal: `${server.addresses.temporal}, namespace default` } });
      dev.process.kill('SIGINT');
      await dev.exit();
      expect(readStack(outside)?.status).toBe('ready');
    } finally {
      await server.stop();
      rmSync(outside, { recursive: true, force: true });
    }
  }, 90_000);

  it('runs beside another project’s stack, on other ports', async () => {
    const other = mkdtempSync(join(tmpdir(), 'segno-other-'));
    const [one, two] = await Promise.all([
      startStack({ dir, env, worker: false }),
      startStack({ dir: other, env, worker: false }),
    ]);
    try {
      expect(one.addresses.temporal).not.toBe(two.addresses.temporal);
      await startWaiting(one.addresses.temporal ?? '', 'same-id');
      await startWaiting(two.addresses.temporal ?? '', 'same-id');
    } finally {
      await Promise.all([one.stop(), two.stop()]);
      rmSync(other, { recursive: true, force: true });
    }
  }, 120_000);

  it('is ended at once by a second Ctrl-C', async () => {
    const dev = await startDev();
    const children = readStack(dir)?.children ?? [];
    dev.process.kill('SIGINT');
    dev.process.kill('SIGINT');
    await dev.exit();
    expect(children.some(isSameProcess)).toBe(false);
    expect(readFileSync(join(dir, '.segno/stack.json'), 'utf8')).toMatch(/"status": "stopped"/);
  }, 90_000);
});

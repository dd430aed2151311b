import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runPgliteServer } from '../../../ledger/embedded.js';
import type { PgliteServer } from '../../../ledger/embedded.js';
import { migrateLedger, openLedger, putBlob } from '../../../ledger/index.js';
import type { Ledger } from '../../../ledger/index.js';
import { spawnPglite, startPglite, temporaryDir } from './databases.js';
import type { PgliteProcess } from './databases.js';

const dir = temporaryDir();
afterAll(() => dir.remove());

describe('many clients of one PGlite', () => {
  let server: PgliteProcess;
  const pools: pg.Pool[] = [];
  beforeAll(async () => {
    server = await startPglite(join(dir.path, 'shared'));
    for (let client = 0; client < 8; client += 1) pools.push(new pg.Pool({ connectionString: server.url, max: 2 }));
    for (const pool of pools) pool.on('error', () => undefined);
    await pools[0]?.query('create table rows (id int primary key, value text)');
  });
  afterAll(async () => {
    for (const pool of pools) await pool.end();
    server.process.kill('SIGTERM');
    await server.ended;
  });

  const pool = (): pg.Pool => {
    if (!pools[0]) throw new Error('not started');
    return pools[0];
  };
  const connect = async () => {
    const client = new pg.Client({ connectionString: server.url });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  };

  it('keep their statements apart, however large', async () => {
    const statements = pools.flatMap((each, client) =>
      Array.from({ length: 30 }, async (_, round) => {
        const value = `${client}:${round}:`.padEnd(round % 3 === 0 ? 300_000 : 10, 'x');
        if (round % 3 === 1) {
          const { rows } = await each.query<{ sum: number }>('select $1::int + $2::int as sum', [client, round]);
          return rows[0]?.sum === client + round;
        }
        const { rows } = await each.query<{ value: string }>('select $1::text as value', [value]);
        return rows[0]?.value === value;
      }),
    );
    expect((await Promise.all(statements)).every(Boolean)).toBe(true);
  });

  it('meet only their own errors', async () => {
    const outcomes = pools.flatMap((each, client) =>
      Array.from({ length: 20 }, async (_, round) => {
        const divisor = (client + round) % 2;
        const result = await each.query('select 1 / $1::int', [divisor]).then(
          () => 'ok',
          (error: { code: string }) => error.code,
        );
        return result === (divisor === 0 ? '22012' : 'ok');
      }),
    );
    expect((await Promise.all(outcomes)).every(Boolean)).toBe(true);
  });

  it('stay out of a failed transaction until it is rolled back', async () => {
    const client = await connect();
    await client.query('begin');
    await client.query(`insert into rows values (1, 'rolled back')`);
    await expect(client.query('select 1 / 0')).rejects.toMatchObject({ code: '22012' });
    const order: string[] = [];
    const other = pool()
      .query('select count(*)::int as count from rows where id = 1')
      .then(({ rows }: { rows: unknown[] }) => (order.push('other'), rows[0]));
    await client.query('rollback').then(() => order.push('rollback'));
    expect(await other).toEqual({ count: 0 });
    expect(order).toEqual(['rollback', 'other']);
    await client.end();
  });

  it('go on when one of them dies in a transaction, failed or not', async () => {
    for (const statement of [`insert into rows values (2, 'lost')`, 'select 1 / 0']) {
      const client = await connect();
      await client.query('begin');
      await client.query(statement).catch(() => undefined);
      (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
      const { rows } = await pool().query<{ count: number }>(
        'select count(*)::int as count from rows where id = $1',
        [2],
      );
      expect(rows[0]?.count).toBe(0);
    }
  });

  it('go on when one of them dies with its transaction’s statements still on their way', async () => {
    const clients = await Promise.all(Array.from({ length: 10 }, connect));
    for (const [index, client] of clients.entries()) {
      client.query('begin').catch(() => undefined);
      client.query(`insert into rows values ($1, 'lost')`, [100 + index]).catch(() => undefined);
      const { stream } = (client as unknown as { connection: { stream: NodeJS.WritableStream & { destroy(): void } } })
        .connection;
      setImmediate(() => stream.destroy());
    }
    const { rows } = await pool().query<{ count: number }>(
      'select count(*)::int as count from rows where id >= $1',
      [100],
    );
    expect(rows[0]?.count).toBe(0);
  });

  it('may be psql: a simple query of several statements', async () => {
    const results = (await pool().query('select 1 as a; select 2 as a')) as unknown as { rows: unknown[] }[];
    expect(results.map((result) => result.rows[0])).toEqual([{ a: 1 }, { a: 2 }]);
  });
});

describe('a client that is silent in a transaction', () => {
  let server: PgliteServer;
  beforeAll(async () => {
    server = await runPgliteServer({
      dataDir: join(dir.path, 'silent'),
      port: 0,
      idleInTransactionMs: 300,
      onFatal: () => undefined,
    });
  });
  afterAll(() => server.close());

  it('is rolled back and sent away, and the others go on', async () => {
    const silent = new pg.Client({ connectionString: server.url });
    // `pg` reports the server's reason first and the end of the connection after it.
    silent.on('error', () => undefined);
    await silent.connect();
    await silent.query('create table kept (id int)');
    await silent.query('begin');
    await silent.query('insert into kept values (1)');
    const sentAway = once(silent, 'error');
    const other = new pg.Client({ connectionString: server.url });
    await other.connect();
    const { rows } = await other.query('select count(*)::int as count from kept');
    expect(rows).toEqual([{ count: 0 }]);
    expect(await sentAway).toBeDefined();
    await other.end();
  });
});

describe('the process', () => {
  const stop = async (server: PgliteProcess) => {
    server.process.kill('SIGTERM');
    return server.ended;
  };

  it('ends cleanly on SIGTERM and when its parent is gone, and keeps the data', async () => {
    const dataDir = join(dir.path, 'clean');
    const first = await startPglite(dataDir);
    const client = new pg.Client({ connectionString: first.url });
    client.on('error', () => undefined);
    await client.connect();
    await client.query('create table kept as select 7 as value');
    expect(await stop(first)).toBe(0);

    const second = await startPglite(dataDir);
    const reader = new pg.Client({ connectionString: second.url });
    reader.on('error', () => undefined);
    await reader.connect();
    expect((await reader.query('select value from kept')).rows).toEqual([{ value: 7 }]);
    second.process.disconnect();
    expect(await second.ended).toBe(0);
    expect(existsSync(`${dataDir}.lock`)).toBe(false);
  });

  it('refuses a directory that another process serves', async () => {
    const dataDir = join(dir.path, 'held');
    const holder = await startPglite(dataDir);
    await expect(runPgliteServer({ dataDir, port: 0, onFatal: () => undefined })).rejects.toMatchObject({
      type: 'Stack.Held',
      message: expect.stringContaining(String(holder.process.pid)) as string,
    });
    expect(await stop(holder)).toBe(0);
  });

  it('loses no acknowledged row to kill -9 in the middle of writes', async () => {
    const dataDir = join(dir.path, 'killed');
    const acknowledged = new Set<string>();
    let server = await startPglite(dataDir);
    for (let round = 0; round < 4; round += 1) {
      const ledger = await openLedger({ connectionString: server.url, maxConnections: 4 });
      await migrateLedger(ledger);
      const enough = acknowledged.size + 60;
      const writers = Array.from({ length: 4 }, () => writeUntilKilled(ledger, acknowledged, enough, server));
      await Promise.all(writers);
      expect(await server.ended).toBe('SIGKILL');
      await ledger.close();
      server = await startPglite(dataDir);
    }
    const ledger = await openLedger({ connectionString: server.url });
    const { rows } = await ledger.query<{ name: string }>('select name from segno.blobs');
    const stored = new Set(rows.map((row) => row.name));
    expect([...acknowledged].filter((name) => !stored.has(name))).toEqual([]);
    expect(acknowledged.size).toBeGreaterThanOrEqual(240);
    await ledger.close();
    expect(await stop(server)).toBe(0);
  });

  it('starts after it was killed while it created the database', async () => {
    const dataDir = join(dir.path, 'unborn');
    const { child, ended } = spawnPglite(dataDir);
    while (!readdirSync(dir.path).some((name) => name.startsWith('unborn.new-'))) await new Promise(setImmediate);
    child.kill('SIGKILL');
    expect(await ended).toBe('SIGKILL');
    expect(existsSync(dataDir)).toBe(false);
    const server = await startPglite(dataDir);
    expect(readdirSync(dir.path).filter((name) => name.startsWith('unborn.new-'))).toEqual([]);
    expect(await stop(server)).toBe(0);
  });

  it('copies a fresh database from the template, which the first one leaves behind', async () => {
    const templateDir = join(dir.path, 'cache');
    const serve = async (name: string) => {
      const dataDir = join(dir.path, name);
      const server = await runPgliteServer({ dataDir, templateDir, port: 0, onFatal: () => undefined });
      const client = new pg.Client({ connectionString: server.url });
      await client.connect();
      const { rows } = await client.query<{ tables: string }>(`select count(*) as tables from pg_class`);
      await client.query('create table mine (id int)');
      await client.end();
      await server.close();
      return { dataDir, tables: Number(rows[0]?.tables) };
    };
    const first = await serve('first');
    const [template = ''] = readdirSync(templateDir);
    writeFileSync(join(templateDir, template, 'copied'), '');
    const second = await serve('second');
    expect(existsSync(join(first.dataDir, 'copied'))).toBe(false);
    expect(existsSync(join(second.dataDir, 'copied'))).toBe(true);
    expect(second.tables).toBe(first.tables);
  });

  it('creates its database all the same where the cache cannot be used', async () => {
    const templateDir = join(dir.path, 'a-file');
    writeFileSync(templateDir, '');
    const dataDir = join(dir.path, 'without');
    const server = await runPgliteServer({ dataDir, templateDir, port: 0, onFatal: () => undefined });
    await server.close();
    expect(existsSync(join(dataDir, 'PG_VERSION'))).toBe(true);
  });

  it('is not held up by the lock of a dead process, of a zombie, or of another one under the same id', async () => {
    const dataDir = join(dir.path, 'stale');
    mkdirSync(dataDir);
    const zombie = await aZombie();
    for (const holder of [
      { pid: 2 ** 22 + 1, startedAt: '1' },
      { pid: process.pid, startedAt: 'another' },
      zombie.holder,
      'nonsense',
    ]) {
      writeFileSync(`${dataDir}.lock`, JSON.stringify(holder));
      const server = await runPgliteServer({ dataDir, port: 0, onFatal: () => undefined });
      await server.close();
    }
    zombie.bury();
    expect(existsSync(`${dataDir}.lock`)).toBe(false);
  });
});

/** The shell starts a child, which outlives it, and becomes a program that never waits for it. */
async function aZombie(): Promise<{ holder: { pid: number; startedAt: string }; bury(): void }> {
  const parent = spawn('sh', ['-c', 'sleep 0.2 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const [line] = (await once(createInterface({ input: parent.stdout }), 'line')) as [string];
  const fields = () => readFileSync(`/proc/${line}/stat`, 'utf8').split(' ');
  while (fields()[2] !== 'Z') await new Promise(setImmediate);
  return { holder: { pid: Number(line), startedAt: fields()[21] ?? '' }, bury: () => parent.kill('SIGKILL') };
}

async function writeUntilKilled(
  ledger: Ledger,
  acknowledged: Set<string>,
  enough: number,
  server: PgliteProcess,
): Promise<void> {
  for (;;) {
    const name = randomUUID();
    const written = await putBlob(ledger, {
      tenant: 't',
      scope: 's',
      bytes: Buffer.from(name.repeat(50)),
      mediaType: 'x/y',
      name,
    }).then(
      () => true,
      () => false,
    );
    if (!written) return;
    acknowledged.add(name);
    if (acknowledged.size >= enough) server.process.kill('SIGKILL');
  }
}

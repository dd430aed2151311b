import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SegnoError } from '../../../core/errors.js';
import { ledgerVersion, migrateLedger, openLedger } from '../../../ledger/index.js';
import type { Ledger } from '../../../ledger/index.js';
import { startPostgres } from '../../../testing/postgres.js';
import type { TestPostgres } from '../../../testing/postgres.js';
import { describeOnBothDatabases } from './databases.js';

const secret = 'hunter2-secret';

async function failure(work: Promise<unknown>): Promise<SegnoError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof SegnoError)) throw new Error(`expected a SegnoError, got ${String(error)}`);
  return error;
}

/** Everything of an error that could reach a log. */
const everythingOf = (error: SegnoError) =>
  `${error.message} ${error.stack ?? ''} ${JSON.stringify(error.details)} ${JSON.stringify(error.cause)}`;

describe('a ledger that cannot be reached', () => {
  it('is Ledger.Unavailable, retryable, and does not tell the password', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    const error = await failure(openLedger({ connectionString: `postgres://user:${secret}@127.0.0.1:${port}/db` }));
    expect(error).toMatchObject({ type: 'Ledger.Unavailable', retryable: true });
    expect(everythingOf(error)).not.toContain(secret);
  });

  it('by an address that is none is Config.Invalid, and does not tell it', async () => {
    for (const connectionString of [`${secret} is no address`, `mysql://user:${secret}@host/db`]) {
      const error = await failure(openLedger({ connectionString }));
      expect(error.type).toBe('Config.Invalid');
      expect(everythingOf(error)).not.toContain(secret);
    }
  });
});

describe('a PostgreSQL that comes and goes', () => {
  let server: TestPostgres;
  let ledger: Ledger;
  let other: Ledger;
  beforeAll(async () => {
    server = await startPostgres();
    ledger = await openLedger({ connectionString: server.url, maxConnections: 2 });
    other = await openLedger({ connectionString: server.url, maxConnections: 1 });
    await ledger.query('create table applied (id text, at timestamptz default now())');
  });
  afterAll(async () => {
    await ledger.close();
    await other.close();
    await server.stop();
  });

  const applied = async (id: string) => (await ledger.query('select 1 from applied where id = $1', [id])).rowCount;
  const sleepers = async () => {
    const { rows } = await other.query<{ pid: number }>(
      `select pid from pg_stat_activity where query like '%pg_sleep(30)%' and pid <> pg_backend_pid() and state = 'active'`,
    );
    return rows.map((row) => row.pid);
  };
  const loseSleeper = async () => {
    let pids: number[] = [];
    while (pids.length === 0) pids = await sleepers();
    for (const pid of pids) await other.query('select pg_terminate_backend($1)', [pid]);
  };

  /** As near to a crash as a server comes that is not ours to kill. */
  const loseEverybody = () =>
    other.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = current_database()',
    );

  it('does not repeat a write whose answer was lost', async () => {
    const write = failure(ledger.query(`insert into applied (id) select 'once' from pg_sleep(30)`));
    await loseSleeper();
    expect(await write).toMatchObject({ type: 'Ledger.Unavailable', retryable: true });
    expect(await applied('once')).toBe(0);
    expect(await sleepers()).toEqual([]);
  });

  it('repeats a write whose answer was lost when its caller says that it may', async () => {
    await ledger.query('create sequence tries');
    const write = ledger.query(
      `insert into applied (id) select 'again' from (select case when nextval('tries') = 1 then pg_sleep(30)::text end) s`,
      [],
      { idempotent: true },
    );
    await loseSleeper();
    expect((await write).rowCount).toBe(1);
    expect(await applied('again')).toBe(1);
  });

  it('rolls a transaction back whose connection was lost, and says so', async () => {
    const work = failure(
      ledger.transaction(async (transaction) => {
        await transaction.query(`insert into applied (id) values ('transaction')`);
        await transaction.query('select pg_sleep(30)');
      }),
    );
    await loseSleeper();
    expect((await work).type).toBe('Ledger.Unavailable');
    expect(await applied('transaction')).toBe(0);
  });

  it('rolls a transaction back whose work fails, and passes its error on', async () => {
    const mistake = new Error('no');
    const work = ledger.transaction(async (transaction) => {
      await transaction.query(`insert into applied (id) values ('mistake')`);
      throw mistake;
    });
    await expect(work).rejects.toBe(mistake);
    expect(await applied('mistake')).toBe(0);
  });

  it('passes on what the database itself says', async () => {
    await expect(ledger.query('select 1 / $1::int', [0])).rejects.toMatchObject({ code: '22012' });
  });

  it('is connected to again after a crash', async () => {
    await Promise.all([ledger.query('select 1'), ledger.query('select 1')]);
    await (server.crashAndRestart?.() ?? loseEverybody());
    expect((await ledger.query('select 2 as two', [], { idempotent: true })).rows).toEqual([{ two: 2 }]);
    expect(
      await ledger.transaction(async (transaction) => (await transaction.query('select 3 as three')).rows),
    ).toEqual([{ three: 3 }]);
  });
});

describeOnBothDatabases((database) => {
  describe('migrating', () => {
    it('again changes nothing', async () => {
      expect(await migrateLedger(database().ledger)).toEqual({ from: ledgerVersion, to: ledgerVersion });
    });

    it('by many processes at once runs each migration once', async () => {
      const ledgers = await Promise.all(Array.from({ length: 8 }, () => database().open({ maxConnections: 1 })));
      await database().ledger.query('drop schema segno cascade');
      const results = await Promise.all(ledgers.map((ledger) => migrateLedger(ledger)));
      expect(results.every((result) => result.to === ledgerVersion)).toBe(true);
      const { rows } = await database().ledger.query('select version from segno.migrations order by version');
      expect(rows).toEqual(Array.from({ length: ledgerVersion }, (_, index) => ({ version: index + 1 })));
    });

    it('makes anew the functions that another version has left', async () => {
      const { ledger } = database();
      await ledger.query('drop schema segno cascade');
      await ledger.query('create schema segno');
      await ledger.query(
        `create function segno.window_sum(slots bigint[]) returns bigint language sql as 'select 0::bigint'`,
      );
      await migrateLedger(ledger);
      expect((await ledger.query(`select segno.window_sum('{1,2}')::int as sum`)).rows).toEqual([{ sum: 3 }]);
    });

    it('leaves a ledger of a newer version alone and says so', async () => {
      const { ledger } = database();
      await ledger.query('insert into segno.migrations (version) values ($1)', [ledgerVersion + 1]);
      const error = await failure(migrateLedger(ledger));
      await ledger.query('delete from segno.migrations where version > $1', [ledgerVersion]);
      expect(error).toMatchObject({ type: 'Ledger.Incompatible', retryable: false });
      expect(error.message).toContain(`version ${ledgerVersion + 1}`);
    });
  });
});

/** Prepared statements of several clients, on PGlite's one session and on PostgreSQL's many. */
import pg from 'pg';
import { expect, it } from 'vitest';
import { describeOnBothDatabases } from './databases.js';

describeOnBothDatabases((database) => {
  const connect = async (): Promise<pg.Client> => {
    const client = new pg.Client({ connectionString: database().url });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  };

  it('of the same name in two clients are two statements', async () => {
    const [one, two] = await Promise.all([connect(), connect()]);
    const ask = (client: pg.Client, text: string) => client.query<{ value: number }>({ name: 's', text, values: [1] });
    for (let round = 0; round < 3; round += 1) {
      expect((await ask(one, 'select $1::int + 10 as value')).rows).toEqual([{ value: 11 }]);
      expect((await ask(two, 'select $1::int + 20 as value')).rows).toEqual([{ value: 21 }]);
    }
    await Promise.all([one.end(), two.end()]);
  });

  it('outlive a failed statement and a rolled back transaction', async () => {
    const client = await connect();
    const divide = (by: number) => client.query({ name: 'divide', text: 'select 10 / $1::int as value', values: [by] });
    await client.query('begin');
    await divide(5);
    await expect(divide(0)).rejects.toThrow(/division by zero/);
    await client.query('rollback');
    expect((await divide(2)).rows).toEqual([{ value: 5 }]);
    await expect(client.query({ name: 'wrong', text: 'select nonsense($1)', values: [1] })).rejects.toThrow();
    expect((await divide(1)).rows).toEqual([{ value: 10 }]);
    await client.end();
  });

  it('end with their client, so that a session does not fill up with them', async () => {
    for (let turn = 0; turn < 5; turn += 1) {
      const client = await connect();
      await client.query({ name: 'mine', text: 'select $1::int as leaving_soon', values: [turn] });
      await client.end();
    }
    const watcher = await connect();
    await expect
      .poll(async () => {
        const { rows } = await watcher.query<{ count: number }>(
          `select count(*)::int as count from pg_prepared_statements where statement like '%leaving_soon'`,
        );
        return rows[0]?.count;
      })
      .toBe(0);
    await watcher.end();
  });
});

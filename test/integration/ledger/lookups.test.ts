/** What the ledger reads to write one row, when its tables have grown since a connection made its plans. */
import { expect, it } from 'vitest';
import { beginStep, finishStep, type Ledger } from '../../../ledger/index.js';
import { aModelCall, aStep, describeOnBothDatabases } from './databases.js';

async function recorded(ledger: Ledger): Promise<void> {
  const step = aStep({ safety: 'idempotent' });
  const { epoch } = (await beginStep(ledger, step)) as { epoch: number };
  await finishStep(ledger, { key: step.key, owner: step.owner, epoch, result: null });
}

/** A model call on a budget of its run. */
async function called(ledger: Ledger): Promise<void> {
  const call = aModelCall();
  const budgets = [{ key: `run/${call.runId}`, limits: { tokens: 1_000 } }];
  const gates = ['model/lookups'];
  const candidate = { alias: 'default', provider: 'p', model: 'm', inputTokens: 80, outputTokens: 20, costPicoUsd: 1n };
  const admission = {
    ...{ priority: 3, budgets, gates: gates.map((key) => ({ key, concurrency: 1_000 })) },
    candidates: [{ ...candidate, gates, skipOn: [] }],
  };
  const { epoch } = (await beginStep(ledger, { ...call, admission })) as { epoch: number };
  const used = { calls: 1, tokens: 15, costPicoUsd: 1n };
  const settlement = { used, health: 'good' as const, durationMs: 20, warnAt: { [budgets[0]!.key]: [0.5] } };
  await finishStep(ledger, { key: call.key, owner: call.owner, epoch, result: null, settlement });
}

/** Rows of leases and budgets read so far, once the database has counted `settled` leases that are gone. */
async function readAtGate(ledger: Ledger, settled: number): Promise<number> {
  let read = 0;
  const counted = async (): Promise<number> => {
    const { rows } = await ledger.query<{ gone: number; read: number }>(
      `select sum(n_tup_del)::int as gone, sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::int as read
       from pg_stat_user_tables where schemaname = 'segno' and relname in ('leases', 'budgets')`,
    );
    ({ read } = rows[0]!);
    return rows[0]!.gone;
  };
  await expect.poll(counted, { timeout: 20_000, interval: 200 }).toBeGreaterThanOrEqual(settled);
  return read;
}

/** Rows read through each index of the steps, once the database has counted `scans` more lookups by key. */
async function readThrough(ledger: Ledger, scans: number): Promise<Record<string, number>> {
  let read: Record<string, number> = {};
  await expect
    .poll(
      async () => {
        const { rows } = await ledger.query<{ name: string; scans: number; read: number }>(
          `select indexrelname as name, idx_scan::int as scans, idx_tup_read::int as read
           from pg_stat_user_indexes where schemaname = 'segno' and relname = 'steps'`,
        );
        read = Object.fromEntries(rows.map((row) => [row.name, row.read]));
        return rows.find(({ name }) => name === 'steps_pkey')?.scans;
      },
      { timeout: 20_000, interval: 200 },
    )
    .toBeGreaterThanOrEqual(scans);
  return read;
}

describeOnBothDatabases((database) => {
  it('is that row alone, and not all that its worker has written', async () => {
    const { ledger } = database();
    // From the sixth time on a connection keeps its plan, and here it is made for tables that are empty.
    for (let step = 0; step < 10; step += 1) await recorded(ledger);
    await Promise.all(Array.from({ length: 500 }, () => recorded(ledger)));
    const before = await readThrough(ledger, 500);
    for (let step = 0; step < 20; step += 1) await recorded(ledger);
    const after = await readThrough(ledger, before['steps_pkey']! + 20);
    expect(after['steps_by_owner']).toBe(before['steps_by_owner']);
  });

  it('is at the gate its budget and its lease, and not those of all runs', async () => {
    const { ledger } = database();
    for (let call = 0; call < 10; call += 1) await called(ledger);
    // Plans are made anew after it, for tables known to be all but empty.
    await ledger.query('vacuum (analyze) segno.leases, segno.budgets, segno.tickets');
    await called(ledger);
    await Promise.all(Array.from({ length: 500 }, () => called(ledger)));
    const before = await readAtGate(ledger, 511);
    for (let call = 0; call < 20; call += 1) await called(ledger);
    expect((await readAtGate(ledger, 531)) - before).toBeLessThan(20 * 20);
  });
});

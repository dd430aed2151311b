/** What the ledger reads to write one row, when its tables have grown since a connection made its plans. */
import { expect, it } from 'vitest';
import { beginStep, finishStep, type Ledger } from '../../../ledger/index.js';
import { aStep, describeOnBothDatabases } from './databases.js';

async function recorded(ledger: Ledger): Promise<void> {
  const step = aStep({ safety: 'idempotent' });
  const { epoch } = (await beginStep(ledger, step)) as { epoch: number };
  await finishStep(ledger, { key: step.key, owner: step.owner, epoch, result: null });
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
});

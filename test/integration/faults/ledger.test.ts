/**
 * The ledger's database is killed and started again, slow, full, and cut off, in the middle of runs on a real PostgreSQL: afterwards
 * every run has completed (or says that nobody can know of a mail whose record was lost), its effects took place once, and the books
 * are what the model server counted, or more by what was lost.
 * A seeded sample; SEGNO_CHAOS=full draws many, and kills workers, too; SEGNO_SEED=<n> repeats them.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SegnoError } from '../../../core/errors.js';
import { openLedger, type Ledger } from '../../../ledger/index.js';
import { seedOfThisRun } from '../../../testing/chaos.js';
import type { ScriptedModel } from '../../../testing/index.js';
import { startPostgres, type TestPostgres } from '../../../testing/postgres.js';
import { startTestStack, type TestStack } from '../../../testing/testStack.js';
import { readRun } from '../../chaos/readRun.js';
import { seeded } from '../../chaos/random.js';
import { expectBooks } from './expectBooks.js';
import { type LedgerProxy, startLedgerProxy } from './ledgerProxy.js';
import { orderModel } from './orderModel.js';
import * as agents from './project/agents.js';
import { effects } from './project/effects.js';
import * as tools from './project/tools.js';
import type { order } from './project/workflow.js';
import { testTwoWorkers } from './twoWorkers.js';
import { full } from '../../chaos/inFull.js';

const startTimeoutMs = 180_000;
const runsAtOnce = 6;

let postgres: TestPostgres;
let proxy: LedgerProxy;
let model: ScriptedModel;
let stack: TestStack;
/** Past the proxy: what breaks the database, and looks at it. */
let aside: Ledger;
beforeAll(async () => {
  postgres = await startPostgres();
  proxy = await startLedgerProxy(postgres.url);
  aside = await openLedger({ connectionString: postgres.url, maxConnections: 1 });
  model = await orderModel();
  const { budget: _, ...clerk } = agents.clerk;
  stack = await startTestStack({
    agents: { clerk, buyer: agents.buyer },
    tools,
    workflows: new URL('./project/workflow.ts', import.meta.url).href,
    models: { default: { provider: 'p', model: 'm' } },
    providers: { p: {} },
    databaseUrl: proxy.url,
    model,
  });
}, startTimeoutMs);
afterAll(async () => {
  await stack?.close();
  await aside?.close();
  await proxy?.close();
  await postgres?.stop();
  await model?.close();
}, startTimeoutMs);

/** Each gives the database back as it was. */
const faults: Readonly<Record<string, (lengthMs: number) => Promise<void>>> = {
  /** A server that is not ours to kill loses its connections instead. */
  killed: async () => {
    await (postgres.crashAndRestart?.() ?? loseEverybody());
  },
  slow: async (lengthMs) => {
    proxy.delayMs = 40;
    await delay(lengthMs);
    proxy.delayMs = 0;
  },
  cut: async (lengthMs) => {
    for (const end = Date.now() + lengthMs; Date.now() < end; await delay(100)) proxy.cut();
  },
  full: async (lengthMs) => {
    await aside.query(`create or replace function refuse_growth() returns trigger language plpgsql as $$
      begin
        raise exception 'could not extend file: No space left on device' using errcode = 'disk_full';
      end $$`);
    const tables = ['steps', 'attempts', 'leases', 'nodes', 'blobs'];
    const { rows } = await aside.query<{ name: string }>(
      `select table_name as name from information_schema.tables where table_schema = 'segno' and table_name = any($1)`,
      [tables],
    );
    for (const { name } of rows)
      await aside.query(
        `create trigger disk_is_full before insert or update on segno.${name} execute function refuse_growth()`,
      );
    await delay(lengthMs);
    for (const { name } of rows) await aside.query(`drop trigger disk_is_full on segno.${name}`);
  },
};

function loseEverybody(): Promise<unknown> {
  return aside.query(
    'select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = current_database()',
  );
}

/** Runs under way are struck at a drawn moment. */
async function strike(fault: string, moment: number, lengthMs: number): Promise<void> {
  const before = model.requests.length;
  const runs = await Promise.all(
    Array.from({ length: runsAtOnce }, (_, index) =>
      stack.client.start<typeof order>('order', { item: `${fault} ${index}` }, { budget: { calls: 50 } }),
    ),
  );
  // So many requests into the runs' eighteen or more.
  await expect
    .poll(() => model.requests.length, { timeout: 60_000, interval: 5 })
    .toBeGreaterThanOrEqual(before + moment);
  await faults[fault]!(lengthMs);
  let completed = 0;
  for (const run of runs) {
    const error = await run.result().then(
      () => undefined,
      (reason: unknown) => reason as SegnoError,
    );
    if (error) expect(error.type, `${fault}: ${run.runId}`).toBe('Tool.OutcomeUnknown');
    else completed += 1;
    await expectKept(run.runId, error !== undefined);
  }
  expect(completed, `${fault}: runs that completed`).toBeGreaterThan(0);
}

/** Effects once, the books right, nothing held. */
async function expectKept(runId: string, unknown: boolean): Promise<void> {
  const of = (tool: string): string[] =>
    effects.filter((one) => one.tool === tool && one.key.startsWith(`${runId}/`)).map(({ key }) => key);
  expect(new Set(of('book')).size, 'bookings by key').toBe(1);
  if (unknown) expect(of('mail').length, 'mails').toBeLessThanOrEqual(1);
  else expect(of('mail').length, 'mails').toBe(1);
  const steps = await readRun(aside, runId);
  const undone = steps.filter(({ state }) => state !== 'done').map(({ path, state }) => `${path} ${state}`);
  expect(undone).toEqual(unknown ? ['mail#1 unknown'] : []);
  expectBooks(runId, steps, model);
  const { rows } = await aside.query<{ over: boolean; held: string }>(
    `select b.calls_spent > b.calls_limit as over, b.calls_held + b.tokens_held as held from segno.budgets b
     where b.key in (select unnest(a.budgets) from segno.attempts a where a.run_id = $1)`,
    [runId],
  );
  expect(rows.length).toBeGreaterThan(0);
  for (const { over, held } of rows) expect([over, Number(held)]).toEqual([false, 0]);
}

it.each(Object.keys(faults))(
  'a database that is %s in the middle of runs costs no effect and no token twice',
  async (fault) => {
    const seed = seedOfThisRun();
    console.log(`SEGNO_SEED=${seed}`);
    const random = seeded(seed);
    for (let round = 0; round < (full ? 25 : 1); round += 1) {
      const [moment, lengthMs] = [Math.floor(random.next() * runsAtOnce * 2), 300 + Math.floor(random.next() * 900)];
      await strike(fault, moment, lengthMs);
    }
  },
  full ? 600_000 : 120_000,
);

if (full) describe('two workers', testTwoWorkers);

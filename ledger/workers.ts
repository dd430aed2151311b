/**
 * Which worker processes live.
 *
 * Invariants:
 * 1. An instance is one process: a new id at every start, never used again.
 * 2. Dead is final: an instance that was declared dead learns it from its next beat and has to start anew under a new id.
 * 3. One survivor recovers a dead instance; when that one dies too, another may take its place.
 */
import type { Ledger } from './openLedger.js';

export interface WorkerRegistration {
  readonly instance: string;
  /** Temporal's identity of the worker. */
  readonly identity: string;
  readonly hostId: string;
  readonly pid: number;
  /** When the process started, as the operating system tells it; process ids are used again. */
  readonly processStartedAt: string;
  readonly taskQueue: string;
  readonly buildId?: string | undefined;
}

export type WorkerState = 'active' | 'retired' | 'dead';

export interface WorkerRecord extends WorkerRegistration {
  readonly state: WorkerState;
  readonly claimedBy: string | undefined;
  /** ISO 8601, by the database's clock. */
  readonly registeredAt: string;
  readonly lastBeatAt: string;
  /** By the database's clock, at the moment of reading. */
  readonly silentMs: number;
}

/** @throws SegnoError `Ledger.Unavailable` */
export async function registerWorker(ledger: Ledger, worker: WorkerRegistration): Promise<void> {
  await ledger.query(
    `insert into segno.workers (instance, identity, host_id, pid, process_started_at, task_queue, build_id, state)
     values ($1, $2, $3, $4, $5, $6, $7, 'active') on conflict (instance) do nothing`,
    [
      worker.instance,
      worker.identity,
      worker.hostId,
      worker.pid,
      worker.processStartedAt,
      worker.taskQueue,
      worker.buildId ?? null,
    ],
    { idempotent: true },
  );
}

/** @returns `alive: false` when the instance was declared dead, or stopped: it has to finish and start anew */
export async function beat(ledger: Ledger, instance: string): Promise<{ alive: boolean }> {
  const { rowCount } = await ledger.query(
    `update segno.workers set last_beat_at = now() where instance = $1 and state = 'active'`,
    [instance],
    { idempotent: true },
  );
  return { alive: rowCount > 0 };
}

/** The end of a clean stop: nothing of this instance runs any more. */
export async function retireWorker(ledger: Ledger, instance: string): Promise<void> {
  await ledger.query(
    `update segno.workers set state = 'retired' where instance = $1 and state = 'active'`,
    [instance],
    {
      idempotent: true,
    },
  );
}

/**
 * @param silentForMs only if it has not beaten for so long, judged in the same statement, so that a beat in between saves it
 * @returns true when this call declared it dead
 */
export async function markDead(ledger: Ledger, instance: string, silentForMs = 0): Promise<boolean> {
  const { rowCount } = await ledger.query(
    `update segno.workers set state = 'dead' where instance = $1 and state = 'active'
       and last_beat_at <= clock_timestamp() - $2::float8 * interval '1 ms'`,
    [instance, silentForMs],
  );
  return rowCount > 0;
}

/** Active instances that have not beaten for so long, the most silent first. */
export async function findSilent(
  ledger: Ledger,
  { olderThanMs }: { readonly olderThanMs: number },
): Promise<WorkerRecord[]> {
  return selectWorkers(
    ledger,
    `where state = 'active' and last_beat_at < clock_timestamp() - $1::float8 * interval '1 ms' order by last_beat_at limit 100`,
    [olderThanMs],
  );
}

/** The newest first, at most 1,000. */
export async function listWorkers(ledger: Ledger): Promise<WorkerRecord[]> {
  return selectWorkers(ledger, 'order by registered_at desc, instance limit 1000', []);
}

/** The dead that nobody else recovers: unclaimed, claimed by one that is no longer active, or by `byInstance` itself, which failed at it. */
export async function findUnrecovered(ledger: Ledger, byInstance: string): Promise<WorkerRecord[]> {
  return selectWorkers(
    ledger,
    `where state = 'dead' and recovered_at is null and (claimed_by is null or claimed_by = $1 or not exists (
       select 1 from segno.workers c where c.instance = w.claimed_by and c.state = 'active'))
     order by last_beat_at limit 100`,
    [byInstance],
  );
}

/** @returns true for the one survivor that is to recover the dead instance; for the same one again too */
export async function claimDead(ledger: Ledger, instance: string, byInstance: string): Promise<boolean> {
  const { rowCount } = await ledger.query(
    `update segno.workers w set claimed_by = $2, claimed_at = now()
     where w.instance = $1 and w.state = 'dead' and w.recovered_at is null and (w.claimed_by is null or w.claimed_by = $2
       or exists (select 1 from segno.workers c where c.instance = w.claimed_by and c.state <> 'active'))`,
    [instance, byInstance],
    { idempotent: true },
  );
  return rowCount > 0;
}

/** The recovery is complete: nobody need do it again. */
export async function markRecovered(ledger: Ledger, instance: string, byInstance: string): Promise<void> {
  await ledger.query(
    `update segno.workers set recovered_at = now() where instance = $1 and claimed_by = $2 and state = 'dead'`,
    [instance, byInstance],
    { idempotent: true },
  );
}

export interface TouchedRun {
  readonly workflowId: string;
  readonly runId: string;
}

/** Runs with steps that the instance began last, the most recent first. */
export async function runsTouchedBy(
  ledger: Ledger,
  instance: string,
  { limit = 1_000 }: { readonly limit?: number } = {},
): Promise<TouchedRun[]> {
  const { rows } = await ledger.query<{ workflow_id: string; run_id: string }>(
    // The index of owners is for this query alone: see migration011.
    `select workflow_id, run_id from segno.steps where owner = $1 and seq > 0
     group by workflow_id, run_id order by max(started_at) desc, max(seq) desc limit $2`,
    [instance, limit],
    { idempotent: true },
  );
  return rows.map((row) => ({ workflowId: row.workflow_id, runId: row.run_id }));
}

interface WorkerRow {
  instance: string;
  identity: string;
  host_id: string;
  pid: number;
  process_started_at: string;
  task_queue: string;
  build_id: string | null;
  state: WorkerState;
  claimed_by: string | null;
  registered_at: Date;
  last_beat_at: Date;
  silent_ms: number;
}

async function selectWorkers(ledger: Ledger, where: string, values: (string | number)[]): Promise<WorkerRecord[]> {
  const { rows } = await ledger.query<WorkerRow>(
    `select w.*, (extract(epoch from clock_timestamp() - w.last_beat_at) * 1000)::float8 as silent_ms from segno.workers w ${where}`,
    values,
    { idempotent: true },
  );
  return rows.map((row) => ({
    instance: row.instance,
    identity: row.identity,
    hostId: row.host_id,
    pid: row.pid,
    processStartedAt: row.process_started_at,
    taskQueue: row.task_queue,
    buildId: row.build_id ?? undefined,
    state: row.state,
    claimedBy: row.claimed_by ?? undefined,
    registeredAt: row.registered_at.toISOString(),
    lastBeatAt: row.last_beat_at.toISOString(),
    silentMs: row.silent_ms,
  }));
}

/**
 * Effects whose outcome was lost: what is known of them, and what somebody says became of them.
 *
 * Invariant: what was said stands beside the step until a worker, which knows the tool, goes on with it.
 */
import { canonicalJson } from '../../core/canonicalJson.js';
import type { OutcomeAnswer } from '../../core/outcome.js';
import type { Ledger } from '../openLedger.js';

/** What somebody said of a lost outcome; `applied`: the step has gone on with it, and is no longer unknown by it. */
export interface StoredResolution {
  readonly answer: OutcomeAnswer | 'done';
  readonly by: string;
  /** ISO 8601. */
  readonly at: string;
  readonly applied?: true;
}

export interface UnknownStep {
  readonly key: string;
  readonly runId: string;
  readonly workflowId: string;
  readonly path: string;
  readonly tool: string;
  readonly epoch: number;
  /** ISO 8601. */
  readonly sentAt: string;
  readonly idempotencyKey: string;
  readonly input: { readonly text: string | null; readonly sha256: string | null; readonly bytes: number | null };
  /** Said, and not yet applied. */
  readonly said: (StoredResolution & { readonly answer: OutcomeAnswer }) | undefined;
}

interface Row {
  key: string;
  run_id: string;
  workflow_id: string;
  path: string;
  name: string;
  epoch: number;
  started_at: Date;
  idempotency_key: string;
  input: string | null;
  input_sha256: string | null;
  input_bytes: number | null;
  resolution: string | null;
}

const columns = `key, run_id, workflow_id, path, name, epoch, started_at, coalesce(idempotency_key, key) as idempotency_key,
  input, input_sha256, input_bytes, resolution`;

/** @returns undefined when its outcome is not unknown */
export async function readUnknownStep(ledger: Ledger, key: string): Promise<UnknownStep | undefined> {
  const { rows } = await ledger.query<Row>(
    `select ${columns} from segno.steps where key = $1 and state = 'unknown'`,
    [key],
    { idempotent: true },
  );
  return rows[0] && unknownOf(rows[0]);
}

/**
 * The effects of a run that nobody knows the outcome of, the newest first. What a retry has settled since is not among them.
 *
 * @param ended the run has ended: what is still `sent` will not come back to it
 */
export async function listUnknownSteps(
  ledger: Ledger,
  { tenant, scope, ended }: { readonly tenant: string; readonly scope: string; readonly ended: boolean },
): Promise<UnknownStep[]> {
  const { rows } = await ledger.query<Row>(
    `with lost as (
       select * from segno.steps
       where tenant = $1 and scope = $2 and kind = 'tool' and safety = 'once'
         and (state = 'unknown' or (state = 'sent' and $3::bool))
       order by seq desc limit 1000
     ), newest as (
       select distinct on (workflow_id, path) key from segno.steps
       where tenant = $1 and scope = $2 and (workflow_id, path) in (select workflow_id, path from lost)
       order by workflow_id, path, seq desc
     )
     select ${columns} from lost where key in (select key from newest) order by seq desc`,
    [tenant, scope, ended],
    { idempotent: true },
  );
  return rows.map(unknownOf);
}

/**
 * Write down what became of an effect of a run that has ended, for its retry.
 *
 * @returns false when its outcome is known by now
 */
export async function sayOutcome(
  ledger: Ledger,
  { key, answer, by }: { readonly key: string; readonly answer: OutcomeAnswer; readonly by: string },
): Promise<boolean> {
  const said: StoredResolution = { answer, by, at: new Date().toISOString() };
  const { rowCount } = await ledger.query(
    `update segno.steps set state = 'unknown', resolution = $2, rev = rev + 1
     where key = $1 and safety = 'once' and state in ('sent', 'unknown')`,
    [key, canonicalJson(said)],
    { idempotent: true },
  );
  return rowCount > 0;
}

function unknownOf(row: Row): UnknownStep {
  const resolution = row.resolution === null ? undefined : (JSON.parse(row.resolution) as StoredResolution);
  return {
    key: row.key,
    runId: row.run_id,
    workflowId: row.workflow_id,
    path: row.path,
    tool: row.name,
    epoch: row.epoch,
    sentAt: row.started_at.toISOString(),
    idempotencyKey: row.idempotency_key,
    input: { text: row.input, sha256: row.input_sha256, bytes: row.input_bytes },
    said: resolution && !resolution.applied ? (resolution as NonNullable<UnknownStep['said']>) : undefined,
  };
}

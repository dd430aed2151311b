/**
 * What a run did to the world: its calls of tools with effects, in the order in which they were first begun.
 *
 * Invariants:
 * 1. All executions that had the run's id, and their children, belong to it; what a retry has only taken over stands there once.
 * 2. They are read in pages: a hundred thousand need no more memory than one page.
 */
import type { RunToolResult } from '../core/contracts.js';
import type { StepState } from '../core/steps.js';
import type { Ledger } from './openLedger.js';
import { parseFailure } from './steps/stepRow.js';
import type { StoredResolution } from './steps/unknownStep.js';

export type EffectOutcome = 'running' | 'done' | 'failed' | 'unknown' | 'undone';

export interface EffectRecord {
  readonly runId: string;
  readonly workflowId: string;
  readonly step: string;
  readonly tool: string;
  /** When its newest attempt began, and when it ended; ISO 8601. */
  readonly startedAt: string;
  readonly finishedAt?: string;
  readonly attempts: number;
  readonly idempotencyKey: string;
  /** Without secrets; a large one is only in the ledger's blobs. */
  readonly input?: unknown;
  readonly inputSha256?: string;
  readonly outcome: EffectOutcome;
  /** Of a failure. */
  readonly error?: { readonly type: string; readonly message: string };
  /** What was said of an outcome that was lost, and by whom: `reconcile`, `onUnknown` or a person. */
  readonly settled?: { readonly as: 'done' | 'repeat' | 'fail'; readonly by: string; readonly at: string };
  /** Key of the step that has taken it back. */
  readonly undoneBy?: string;
}

interface Row {
  seq: string;
  run_id: string;
  workflow_id: string;
  path: string;
  name: string;
  state: StepState;
  attempts: number;
  started_at: Date;
  finished_at: Date | null;
  idempotency_key: string;
  input: string | null;
  input_sha256: string | null;
  result: string | null;
  error: string | null;
  resolution: string | null;
  undone_by: string | null;
  abandoned: boolean;
}

const pageRows = 500;
/** A failure that a model was told is a small result; what a tool gave is not looked at. */
const largestTold = 300;

export async function* listEffects(
  ledger: Ledger,
  { tenant, scope }: { readonly tenant: string; readonly scope: string },
): AsyncGenerator<EffectRecord> {
  for (let after = '0'; ;) {
    const { rows } = await ledger.query<Row>(
      `select seq, run_id, workflow_id, path, name, state, attempts, started_at, finished_at,
         coalesce(idempotency_key, key) as idempotency_key, input, input_sha256, error, resolution, undone_by,
         case when length(result) <= ${largestTold} then result end as result,
         exists (select 1 from segno.workers w where w.instance = s.owner and w.state <> 'active') as abandoned
       from segno.steps s
       where tenant = $1 and scope = $2 and seq > $3::bigint and kind = 'tool' and safety <> 'pure' and attempts > 0
       order by seq limit ${pageRows}`,
      [tenant, scope, after],
      { idempotent: true },
    );
    for (const row of rows) yield effectOf(row);
    if (rows.length < pageRows) return;
    after = rows.at(-1)!.seq;
  }
}

function effectOf(row: Row): EffectRecord {
  const told = row.result === null ? undefined : (JSON.parse(row.result) as RunToolResult | null)?.failed;
  const failure = parseFailure(row.error);
  const settled = row.resolution === null ? undefined : (JSON.parse(row.resolution) as StoredResolution);
  const error = told === undefined ? failure : { type: told, message: 'told to the model' };
  return {
    runId: row.run_id,
    workflowId: row.workflow_id,
    step: row.path,
    tool: row.name,
    startedAt: row.started_at.toISOString(),
    ...(row.finished_at && { finishedAt: row.finished_at.toISOString() }),
    attempts: row.attempts,
    idempotencyKey: row.idempotency_key,
    ...(row.input !== null && { input: JSON.parse(row.input) as unknown }),
    ...(row.input === null && row.input_sha256 !== null && { inputSha256: row.input_sha256 }),
    outcome: outcomeOf(row, told !== undefined),
    ...(error && { error: { type: error.type, message: error.message } }),
    ...(settled && {
      settled: {
        as: typeof settled.answer === 'string' ? settled.answer : ('done' as const),
        ...{ by: settled.by, at: settled.at },
      },
    }),
    ...(row.undone_by !== null && { undoneBy: row.undone_by }),
  };
}

function outcomeOf({ state, undone_by: undoneBy, abandoned }: Row, failed: boolean): EffectOutcome {
  if (undoneBy !== null) return 'undone';
  if (state === 'done') return failed ? 'failed' : 'done';
  if (state === 'failed' || state === 'unknown') return state;
  return state === 'sent' && abandoned ? 'unknown' : 'running';
}

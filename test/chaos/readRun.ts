/** What the ledger says of one run, row by row: a test compares it with what really happened. */
import type { Ledger } from '../../ledger/index.js';

export interface StepRecord {
  readonly key: string;
  readonly path: string;
  readonly kind: 'model' | 'tool';
  readonly name: string;
  readonly safety: 'pure' | 'idempotent' | 'once';
  readonly state: string;
  readonly epoch: number;
  readonly resultHash: string | null;
  readonly finishedAt: Date | null;
  /** By epoch; none for a quick pure step whose first try went well. */
  readonly attempts: readonly AttemptRecord[];
}

export interface AttemptRecord {
  readonly epoch: number;
  readonly state: string;
  /** The worker instance. */
  readonly owner: string;
  readonly startedAt: Date;
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  readonly upperInputTokens: number | null;
  readonly upperOutputTokens: number | null;
  readonly estimated: boolean | null;
  /** What it failed with. */
  readonly errorType: string | undefined;
}

interface Row {
  key: string;
  path: string;
  kind: 'model' | 'tool';
  name: string;
  safety: StepRecord['safety'];
  state: string;
  epoch: number;
  result_hash: string | null;
  finished_at: Date | null;
  attempts: (Record<'epoch' | 'state' | 'owner' | 'started_at' | 'estimated', unknown> & Record<string, unknown>)[];
}

const runSql = `
select s.key, s.path, s.kind, s.name, s.safety, s.state, s.epoch, s.result_hash, s.finished_at,
  coalesce((select json_agg(row_to_json(a) order by a.epoch) from segno.attempts a where a.step_key = s.key), '[]') as attempts
from segno.steps s where s.run_id = $1 order by s.seq`;

/** In the order in which the steps began. */
export async function readRun(ledger: Ledger, runId: string): Promise<StepRecord[]> {
  const { rows } = await ledger.query<Row>(runSql, [runId], { idempotent: true });
  return rows.map(({ result_hash: resultHash, finished_at: finishedAt, attempts, ...step }) => ({
    ...step,
    resultHash,
    finishedAt,
    attempts: attempts.map(toAttempt),
  }));
}

function toAttempt(row: Row['attempts'][number]): AttemptRecord {
  const tokens = (column: string): number | null => (row[column] === null ? null : Number(row[column]));
  return {
    epoch: row.epoch as number,
    state: row.state as string,
    owner: row.owner as string,
    startedAt: new Date(row.started_at as string),
    inputTokens: tokens('input_tokens'),
    outputTokens: tokens('output_tokens'),
    upperInputTokens: tokens('upper_input_tokens'),
    upperOutputTokens: tokens('upper_output_tokens'),
    estimated: row.estimated as boolean | null,
    errorType: row['error'] === null ? undefined : (JSON.parse(row['error'] as string) as { type: string }).type,
  };
}

/** The instance of the worker process with this pid, once it is at work. */
export async function instanceOf(ledger: Ledger, pid: number): Promise<string | undefined> {
  const { rows } = await ledger.query<{ instance: string }>(
    `select instance from segno.workers where pid = $1 and state = 'active' order by registered_at desc limit 1`,
    [pid],
    { idempotent: true },
  );
  return rows[0]?.instance;
}

/** The state of one step's row, without the rest. */
export async function stateOf(ledger: Ledger, key: string): Promise<string | undefined> {
  const { rows } = await ledger.query<{ state: string }>('select state from segno.steps where key = $1', [key], {
    idempotent: true,
  });
  return rows[0]?.state;
}

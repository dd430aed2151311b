/** The maps of a run as counts: a run of 100,000 items is shown in one line, and read in one statement. */
import type { Ledger } from './openLedger.js';
import { parseFailure } from './steps/stepRow.js';
import type { StepFailure } from '../core/steps.js';
import { type RunQuery, usageColumns, usageOf, type UsageRow, type UsageSum } from './runs.js';

export interface MapSummary {
  /** `mapReduce#1/map`, or a level of its reduction. */
  readonly path: string;
  /** As far as they are known: items that run in their caller's own workflow are known when they begin. */
  readonly items: number;
  readonly done: number;
  readonly running: number;
  readonly failed: number;
  readonly unknown: number;
  /** Dates are ISO 8601. */
  readonly startedAt: string;
  /** Of the last item, when none is running. */
  readonly finishedAt: string | undefined;
  /** Of the first item that failed. */
  readonly error: StepFailure | undefined;
  readonly usage: UsageSum;
}

/** An item is in the state that matters most among its steps. */
const mapsSql = `
with steps as (
  select part_of, split_part(substr(path, length(part_of) + 2), '/', 1) as item, state, started_at, finished_at,
    error, seq
  from segno.steps
  where tenant = coalesce($2, tenant) and scope = $1 and part_of is not null and created_at between $3 and $4
), items as (
  select part_of, item, min(started_at) as started_at, max(finished_at) as finished_at,
    bool_or(state in ('sent', 'reserved')) as running, bool_or(state = 'unknown') as unknown,
    bool_or(state = 'failed') as failed, min(seq) filter (where state = 'failed') as failed_at
  from steps group by part_of, item
), maps as (
  select part_of as path, count(*)::int as begun, min(started_at) as started_at, max(finished_at) as finished_at,
    count(*) filter (where running)::int as running,
    count(*) filter (where unknown and not running)::int as unknown,
    count(*) filter (where failed and not unknown and not running)::int as failed,
    min(failed_at) as failed_at
  from items group by part_of
), stored as (
  select path, sum(items)::int as items from segno.batches
  where tenant = coalesce($2, tenant) and scope = $1 and created_at between $3 and $4 group by path
)
select m.*, coalesce(b.items, m.begun) as items, (select error from steps s where s.seq = m.failed_at) as error
from maps m left join stored b on b.path = m.path order by m.started_at, m.path`;

const usageSql = `
select s.part_of as path, ${usageColumns}
from segno.attempts a
cross join lateral (select part_of from segno.steps where key = a.step_key and created_at between $3 and $4) s
where a.scope = $1 and a.tenant = coalesce($2, a.tenant) and a.kind = 'model' and s.part_of is not null
group by s.part_of`;

interface MapRow {
  path: string;
  items: number;
  begun: number;
  running: number;
  unknown: number;
  failed: number;
  started_at: Date;
  finished_at: Date | null;
  error: string | null;
}

/** In the order in which they began. @param period ISO 8601; a run of the same id may have come before or after */
export async function listMaps(
  ledger: Ledger,
  {
    scope,
    tenant,
    period,
  }: RunQuery & { readonly period: { readonly from: string; readonly to?: string | undefined } },
): Promise<MapSummary[]> {
  const values = [scope, tenant ?? null, period.from, period.to ?? 'infinity'];
  const { rows } = await ledger.query<MapRow>(mapsSql, values, { idempotent: true });
  if (rows.length === 0) return [];
  const used = await ledger.query<UsageRow & { path: string }>(usageSql, values, { idempotent: true });
  const usages = new Map(used.rows.map((row) => [row.path, usageOf(row)]));
  return rows.map(({ path, items, begun, running, unknown, failed, ...row }) => ({
    ...{ path, running, unknown, failed },
    items: Math.max(items, begun),
    done: begun - running - unknown - failed,
    startedAt: row.started_at.toISOString(),
    finishedAt: running > 0 || begun < items ? undefined : row.finished_at?.toISOString(),
    error: parseFailure(row.error),
    usage: usages.get(path) ?? usageOf(undefined),
  }));
}

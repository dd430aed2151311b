import type { Ledger } from './openLedger.js';
import { usageColumns, usageOf, type UsageRow, type UsageSum } from './runs.js';

/** What costs are added up by. */
export const costGroups = ['run', 'agent', 'model', 'tenant', 'day'] as const;
export type CostGroup = (typeof costGroups)[number];

export interface CostRow extends UsageSum {
  /** Id of the run, name of the agent, `provider/model`, tenant, or the day (UTC). */
  readonly name: string;
  /** Model calls, repeated ones included. */
  readonly calls: number;
}

const groupColumns: Readonly<Record<CostGroup, string>> = {
  run: 'a.scope',
  agent: 'a.name',
  model: `coalesce(a.provider || '/' || a.model, 'unknown')`,
  tenant: 'a.tenant',
  day: `to_char(a.started_at at time zone 'utc', 'YYYY-MM-DD')`,
};

export interface CostQuery {
  readonly by: CostGroup;
  /** Only calls begun since then; ISO 8601. Default: all. */
  readonly since?: string | undefined;
  /** Default 50. */
  readonly limit?: number | undefined;
}

/** What model calls have cost, the dearest first; days with the newest first. */
export async function costsBy(ledger: Ledger, { by, since, limit = 50 }: CostQuery): Promise<CostRow[]> {
  const { rows } = await ledger.query<UsageRow & { name: string; calls: number }>(
    `select ${groupColumns[by]} as name, count(*) filter (where a.state <> 'released')::int as calls, ${usageColumns}
     from segno.attempts a where a.kind = 'model' and ($1::timestamptz is null or a.started_at >= $1::timestamptz)
     group by 1 order by ${by === 'day' ? '1 desc' : `sum(a.cost_pico) desc nulls last, sum(a.input_tokens) desc nulls last, 1`} limit $2`,
    [since ?? null, limit],
    { idempotent: true },
  );
  return rows.map((row) => ({ name: row.name, calls: row.calls, ...usageOf(row) }));
}

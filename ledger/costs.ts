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
  /** Of the dearest; of days, the newest. Default: all. */
  readonly limit?: number | undefined;
}

export interface Costs {
  readonly rows: readonly CostRow[];
  /** Of all calls, also of those whose rows the limit leaves out; `names` are the rows there are. */
  readonly total: Omit<CostRow, 'name'> & { readonly names: number };
}

/** What model calls have cost, the dearest first; days with the newest first. */
export async function costsBy(ledger: Ledger, { by, since, limit }: CostQuery): Promise<Costs> {
  const group = groupColumns[by];
  const { rows } = await ledger.query<UsageRow & { name: string; calls: number; names: number }>(
    `select ${group} as name, count(*) filter (where a.state <> 'released')::int as calls, ${usageColumns},
       (count(*) over () - 1)::int as names
     from segno.attempts a where a.kind = 'model' and ($1::timestamptz is null or a.started_at >= $1::timestamptz)
     group by grouping sets ((), (1))
     order by grouping(${group}) desc, ${by === 'day' ? '1 desc' : `sum(a.cost_pico) desc nulls last, sum(a.input_tokens) desc nulls last, 1`} limit $2`,
    [since ?? null, limit === undefined ? null : limit + 1],
    { idempotent: true },
  );
  const counted = rows.map((row) => ({ name: row.name, calls: row.calls, ...usageOf(row) }));
  const { name: _, ...sum } = counted[0]!;
  return { rows: counted.slice(1), total: { ...sum, names: rows[0]!.names } };
}

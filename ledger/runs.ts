/** What CLI, server and dashboard read: the steps of a run and what they cost. Dates are ISO 8601, money is pico-USD. */
import type { StepFailure, StepKind, StepState } from '../core/steps.js';
import { attemptOf, type AttemptRow, attemptsColumn, type AttemptSummary } from './attempts.js';
import type { Ledger } from './openLedger.js';
import { parseFailure } from './steps/stepRow.js';

/** `estimated`: at least one attempt counts with its upper bound or an estimate. */
export interface UsageSum {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedInputTokens: number;
  readonly costPicoUsd: bigint;
  readonly estimated: boolean;
}

export interface StepSummary {
  readonly key: string;
  readonly runId: string;
  readonly workflowId: string;
  readonly path: string;
  readonly kind: StepKind;
  readonly name: string;
  readonly state: StepState;
  /** How often it was begun; released attempts don't count. */
  readonly attempts: number;
  /** When it was first begun. */
  readonly createdAt: string;
  readonly finishedAt: string | undefined;
  readonly model: string | undefined;
  readonly resultBytes: number | undefined;
  readonly error: StepFailure | undefined;
  readonly detail: unknown;
  /** Of all attempts together. */
  readonly usage: UsageSum;
  /** The oldest first. */
  readonly tries: readonly AttemptSummary[];
}

/** A call whose worker is gone, and which no attempt has taken over: a run that ended meanwhile has none that would. */
const abandoned = `(a.state = 'sent' and a.upper_cost_pico is not null
  and exists (select 1 from segno.workers w where w.instance = a.owner and w.state <> 'active'))`;
export const usageColumns = `coalesce(sum(case when ${abandoned} then a.upper_input_tokens else a.input_tokens end), 0)::bigint as input_tokens,
  coalesce(sum(case when ${abandoned} then a.upper_output_tokens else a.output_tokens end), 0)::bigint as output_tokens,
  coalesce(sum(a.cached_input_tokens), 0)::bigint as cached_input_tokens,
  coalesce(sum(case when ${abandoned} then a.upper_cost_pico else a.cost_pico end), 0)::text as cost_pico,
  coalesce(bool_or(a.estimated or ${abandoned}), false) as estimated`;

export interface UsageRow {
  input_tokens: string;
  output_tokens: string;
  cached_input_tokens: string;
  cost_pico: string;
  estimated: boolean;
}

interface StepSummaryRow extends UsageRow {
  key: string;
  run_id: string;
  workflow_id: string;
  path: string;
  kind: StepKind;
  name: string;
  state: StepState;
  attempts: number;
  created_at: Date;
  finished_at: Date | null;
  model: string | null;
  result_bytes: number | null;
  error: string | null;
  detail: string | null;
  tries: AttemptRow[] | null;
}

export interface RunQuery {
  readonly scope: string;
  /** Left out: any tenant, for an operator of the whole installation. */
  readonly tenant?: string | undefined;
}

/** In the order in which they were first begun. @param alone without the items of maps (`listMaps`); @param limit default 10,000 */
export async function listSteps(
  ledger: Ledger,
  {
    scope,
    tenant,
    limit = 10_000,
    alone = false,
  }: RunQuery & { readonly limit?: number | undefined; readonly alone?: boolean | undefined },
): Promise<StepSummary[]> {
  const { rows } = await ledger.query<StepSummaryRow>(
    `select s.key, s.run_id, s.workflow_id, s.path, s.kind, s.name, s.state, s.attempts, s.created_at,
       s.finished_at, s.model, s.result_bytes, s.error, s.detail, u.*
     from segno.steps s
     cross join lateral (
       select ${usageColumns}, ${attemptsColumn} from segno.attempts a where a.step_key = s.key
     ) u
     where s.scope = $1 and ($2::text is null or s.tenant = $2) ${alone ? 'and s.part_of is null' : ''}
     order by s.seq limit $3`,
    [scope, tenant ?? null, limit],
    { idempotent: true },
  );
  return rows.map((row) => ({
    key: row.key,
    runId: row.run_id,
    workflowId: row.workflow_id,
    path: row.path,
    kind: row.kind,
    name: row.name,
    state: row.state,
    attempts: row.attempts,
    createdAt: row.created_at.toISOString(),
    finishedAt: row.finished_at?.toISOString(),
    model: row.model ?? undefined,
    resultBytes: row.result_bytes ?? undefined,
    error: parseFailure(row.error),
    detail: row.detail === null ? undefined : JSON.parse(row.detail),
    usage: usageOf(row),
    tries: (row.tries ?? []).map(attemptOf),
  }));
}

/** One of the runs that had the same id one after the other. */
export interface RunPeriod {
  /** Left out for one that continued as new, and so has several: all that was begun in its time is its own. */
  readonly runId?: string | undefined;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly closedAt?: string | undefined;
}

/**
 * What a run has cost so far. Still known when its content has been erased.
 *
 * @param query.period left out: all runs that had this id. Steps of child workflows belong to the run they fall into
 */
export async function usageOfRun(
  ledger: Ledger,
  { scope, tenant, period }: RunQuery & { readonly period?: RunPeriod | undefined },
): Promise<UsageSum> {
  const { rows } = await ledger.query<UsageRow>(
    `select ${usageColumns} from segno.attempts a where a.scope = $1 and ($2::text is null or a.tenant = $2)
       and ($4::timestamptz is null or a.run_id = $3 or (a.started_at >= $4::timestamptz and a.started_at <= $5::timestamptz
         and ($3::text is null
           or not exists (select 1 from segno.steps s where s.key = a.step_key and s.workflow_id = a.scope))))`,
    [scope, tenant ?? null, period?.runId ?? null, period?.startedAt ?? null, period?.closedAt ?? 'infinity'],
    { idempotent: true },
  );
  return usageOf(rows[0]);
}

export interface NamedUsage extends UsageSum {
  readonly name: string;
  readonly modelAlias: string | undefined;
  readonly provider: string | undefined;
  readonly model: string | undefined;
  /** Attempts that reached, or may have reached, the provider. */
  readonly attempts: number;
}

/** A run's model usage per agent and model, the most expensive first. */
export async function usageByAgent(ledger: Ledger, { scope, tenant }: RunQuery): Promise<NamedUsage[]> {
  const { rows } = await ledger.query<
    UsageRow & {
      name: string;
      model_alias: string | null;
      provider: string | null;
      model: string | null;
      attempts: number;
    }
  >(
    `select a.name, a.model_alias, a.provider, a.model, count(*) filter (where a.state <> 'released')::int as attempts,
       ${usageColumns}
     from segno.attempts a where a.scope = $1 and ($2::text is null or a.tenant = $2) and a.kind = 'model'
     group by a.name, a.model_alias, a.provider, a.model order by sum(a.cost_pico) desc nulls last, a.name`,
    [scope, tenant ?? null],
    { idempotent: true },
  );
  return rows.map((row) => ({
    name: row.name,
    modelAlias: row.model_alias ?? undefined,
    provider: row.provider ?? undefined,
    model: row.model ?? undefined,
    attempts: row.attempts,
    ...usageOf(row),
  }));
}

const noUsage: UsageSum = {
  inputTokens: 0,
  outputTokens: 0,
  cachedInputTokens: 0,
  costPicoUsd: 0n,
  estimated: false,
};

/** @param row undefined: nothing was used */
export function usageOf(row: UsageRow | undefined): UsageSum {
  if (!row) return noUsage;
  return {
    inputTokens: Number(row.input_tokens),
    outputTokens: Number(row.output_tokens),
    cachedInputTokens: Number(row.cached_input_tokens),
    costPicoUsd: BigInt(row.cost_pico),
    estimated: row.estimated,
  };
}

/**
 * The figures of executions: how often agents and tools ran, how long they took, how often they failed.
 *
 * Invariants:
 * 1. An agent's call is one execution, whatever its turns, attempts and workers were; so is a tool's.
 * 2. What a retried run takes over counts where it ran; what failed there and is tried again counts in the retry alone.
 * 3. One pass over the rows of the time asked for, read by an index.
 */
import { costsBy, type CostRow } from './costs.js';
import type { Ledger } from './openLedger.js';
import type { UsageSum } from './runs.js';

export interface ExecutionFigures {
  readonly name: string;
  readonly executions: number;
  readonly running: number;
  readonly failed: number;
  /** Of those that have ended and whose time is known: quick tools without effects are written once, when they are done. */
  readonly averageMs: number | undefined;
}

export type AgentFigures = ExecutionFigures & { readonly modelCalls: number; readonly usage: UsageSum };

export interface PatternFigures {
  readonly pattern: string;
  /** In how many runs, child workflows counted on their own. */
  readonly runs: number;
}

export interface ExecutionsQuery {
  /** Only what began since then; ISO 8601. */
  readonly since?: string | undefined;
  /** Ids of workflows in progress: what has not ended in others has failed. */
  readonly runningWorkflows: readonly string[];
  /** Run ids of runs that were retried. */
  readonly retriedRuns: readonly string[];
}

interface FiguresRow {
  name: string;
  executions: number;
  running: number;
  failed: number;
  average_ms: number | null;
}

const figureColumns = `name, count(*)::int as executions, count(*) filter (where running)::int as running,
  count(*) filter (where failed)::int as failed,
  avg(extract(epoch from ended - began) * 1000) filter (where not running and ended > began)::float8 as average_ms`;

const goesOn = `state in ('sent', 'reserved') or (state = 'failed' and error like '%"retryable":true%')`;

/** A turn that asks for tools, or whose answer did not match, is not the last; its recorded result is canonical JSON, so keys are sorted. */
const turnCode = `case when ${goesOn} then 'r' when state <> 'done' then 'f'
  when result like '{"calls":%' or result like '{"head":"%","invalid":%' then 'o' else 'd' end`;

const agentsSql = `
with calls as (
  select name, left(key, length(key) - strpos(reverse(key), '/')) as call, min(workflow_id) as workflow_id,
    min(created_at) as began, max(coalesce(finished_at, started_at)) as ended,
    right(max(lpad(seq::text, 19, '0') || (${turnCode})), 1) as code
  from segno.steps where kind = 'model' and attempts > 0 and created_at >= $1::timestamptz group by 1, 2
), ends as (
  select name, began, ended, code in ('r', 'o') and workflow_id = any($2::text[]) as running, code <> 'd' as not_done,
    split_part(call, '/', 1) = any($3::text[]) as retried
  from calls
)
select ${figureColumns} from (select *, not_done and not running as failed from ends) e
where not (failed and retried) group by name order by executions desc, name`;

/** What a model called that it has not, or with arguments that do not fit, never ran: it has no definition. */
const toolsSql = `
with calls as (
  select name, started_at as began, finished_at as ended, (${goesOn}) as open,
    state <> 'done' or detail like '{"error":%' as not_done, workflow_id = any($2::text[]) as in_progress,
    split_part(key, '/', 1) = any($3::text[]) as retried
  from segno.steps where kind = 'tool' and attempts > 0 and definition_hash <> 'none' and created_at >= $1::timestamptz
)
select ${figureColumns} from (
  select *, open and in_progress as running, not_done and not (open and in_progress) as failed from calls
) e where not (failed and retried) group by name order by executions desc, name`;

export async function agentFigures(ledger: Ledger, query: ExecutionsQuery): Promise<AgentFigures[]> {
  const [figures, costs] = await Promise.all([
    figuresOf(ledger, agentsSql, query),
    costsBy(ledger, { by: 'agent', since: query.since }),
  ]);
  const costOf = new Map(costs.rows.map((row) => [row.name, row]));
  return figures.map((figure) => {
    const { calls: modelCalls, name: _, ...usage } = costOf.get(figure.name) ?? noCost;
    return { ...figure, modelCalls, usage };
  });
}

export function toolFigures(ledger: Ledger, query: ExecutionsQuery): Promise<ExecutionFigures[]> {
  return figuresOf(ledger, toolsSql, query);
}

const patterns = [
  ...['dag', 'debate', 'ensemble', 'everyInterval', 'handoff', 'hedge', 'hierarchy', 'loop', 'mapReduce', 'mesh'],
  ...['parallel', 'plan', 'planAndRun', 'race', 'refine', 'repeatUntil', 'route', 'saga', 'sequential', 'supervise'],
  ...['withBudget', 'withFallback', 'withTimeout'],
];

/** The most used first. The items of a map stand for it together, and patterns inside of them are not looked for. */
export async function patternFigures(ledger: Ledger, since: string | undefined): Promise<PatternFigures[]> {
  const { rows } = await ledger.query<PatternFigures>(
    `with places as (
       select distinct split_part(key, '/', 1) as run, coalesce(part_of, left(path, greatest(0, length(path) - strpos(reverse(path), '/')))) as place
       from segno.steps where created_at >= $1::timestamptz
     ), used as (
       select distinct run, split_part(segment, '#', 1) as pattern
       from places, unnest(string_to_array(place, '/')) as segment where segment like '%#%'
     )
     select pattern, count(*)::int as runs from used where pattern = any($2::text[]) group by pattern order by runs desc, pattern`,
    [since ?? '-infinity', patterns],
    { idempotent: true },
  );
  return rows;
}

async function figuresOf(
  ledger: Ledger,
  sql: string,
  { since, runningWorkflows, retriedRuns }: ExecutionsQuery,
): Promise<ExecutionFigures[]> {
  const values = [since ?? '-infinity', [...runningWorkflows], [...retriedRuns]];
  const { rows } = await ledger.query<FiguresRow>(sql, values, { idempotent: true });
  return rows.map(({ average_ms, ...row }) => ({ ...row, averageMs: average_ms ?? undefined }));
}

const noCost: CostRow = {
  name: '',
  calls: 0,
  inputTokens: 0,
  outputTokens: 0,
  cachedInputTokens: 0,
  costPicoUsd: 0n,
  estimated: false,
};

/** What people and programs read of budgets. Money is pico-USD. */
import type { Amounts, BudgetLimits } from '../../core/admission/budget.js';
import { inUsd, mostSpenders } from '../../core/admission/refusal.js';
import { SegnoError } from '../../core/errors.js';
import { formatUsd } from '../../core/money.js';
import type { Ledger } from '../openLedger.js';

export interface BudgetState {
  readonly key: string;
  readonly tenant: string;
  /** The run it belongs to; undefined for those of tenants and agents. */
  readonly scope: string | undefined;
  /** What was raised included. */
  readonly limits: BudgetLimits;
  /** By people, on top of what was set. */
  readonly raised: Amounts;
  readonly held: Amounts;
  readonly spent: Amounts;
  /** ISO 8601; undefined without a limit on wall time. */
  readonly endsAt: string | undefined;
  /** Thresholds that were reached, the lowest first. */
  readonly warnings: readonly ToldWarning[];
}

/** So much of a budget was spent when a threshold of it was reached; `at` is ISO 8601. */
export interface ToldWarning {
  readonly threshold: number;
  readonly share: number;
  readonly at: string;
}

/** Who spent how much of a budget. */
export interface Spender {
  /** The agent. */
  readonly name: string;
  readonly calls: number;
  readonly tokens: number;
  readonly costPicoUsd: bigint;
}

type BudgetRow = Record<
  `${'calls' | 'tokens' | 'cost'}_${'held' | 'spent' | 'raised'}` | `${'calls' | 'tokens' | 'cost'}_limit`,
  string | null
> & { key: string; tenant: string; scope: string | null; ends_at: Date | null; warnings: ToldWarning[] | null };

const warningsSql = `(select jsonb_agg(jsonb_build_object('threshold', w.threshold, 'share', w.share, 'at', w.told_at) order by w.threshold)
  from segno.budget_warnings w where w.budget = b.key) as warnings`;

/** The newest first. @param filter.limit default 10,000 */
export async function listBudgets(
  ledger: Ledger,
  { key, scope, limit = 10_000 }: { key?: string; scope?: string; limit?: number } = {},
): Promise<BudgetState[]> {
  const { rows } = await ledger.query<BudgetRow>(
    `select b.*, ${warningsSql} from segno.budgets b where ($1::text is null or key = $1) and ($2::text is null or scope = $2)
     order by created_at desc, key limit $3`,
    [key ?? null, scope ?? null, limit],
    { idempotent: true },
  );
  return rows.map(budgetState);
}

/** Those of tenants and agents, of the windows that may not be over yet. */
export async function standingBudgets(ledger: Ledger): Promise<BudgetState[]> {
  const { rows } = await ledger.query<BudgetRow>(
    `select * from segno.budgets where scope is null and created_at > now() - interval '32 days' order by key limit 10000`,
    [],
    { idempotent: true },
  );
  return rows.map(budgetState);
}

/** The budgets a run spends from which have reached a threshold since `since` (ISO 8601): its own, and those of agents and tenants. */
export async function warnedBudgets(
  ledger: Ledger,
  { scope, since }: { scope: string; since: string },
): Promise<(ToldWarning & { budget: string })[]> {
  const { rows } = await ledger.query<{ budget: string; threshold: number; share: number; told_at: Date }>(
    `select w.* from segno.budget_warnings w where w.told_at >= $2::timestamptz and w.budget in (
       select unnest(a.budgets) from segno.attempts a where a.scope = $1) order by w.told_at, w.threshold limit 100`,
    [scope, since],
    { idempotent: true },
  );
  return rows.map(({ told_at: at, ...warning }) => ({ ...warning, at: at.toISOString() }));
}

/** @param limit of each budget; left out: all, the dearest first */
export async function spendersOf(
  ledger: Ledger,
  keys: readonly string[],
  limit?: number,
): Promise<ReadonlyMap<string, readonly Spender[]>> {
  const { rows } = await ledger.query<{ budget: string; name: string; calls: string; tokens: string; cost: string }>(
    `select k.key as budget, s.* from unnest($1::text[]) k (key) cross join lateral (
       select name, count(*) filter (where state <> 'released') as calls, coalesce(sum(coalesce(input_tokens, 0) + coalesce(output_tokens, 0)), 0) as tokens,
         coalesce(sum(cost_pico), 0)::text as cost
       from segno.attempts where budgets @> array[k.key] group by name order by sum(cost_pico) desc nulls last, 3 desc, name limit $2
     ) s`,
    [[...keys], limit ?? null],
    { idempotent: true },
  );
  const spenders = new Map<string, Spender[]>(keys.map((key) => [key, []]));
  for (const { budget, name, calls, tokens, cost } of rows) {
    spenders.get(budget)!.push({ name, calls: Number(calls), tokens: Number(tokens), costPicoUsd: BigInt(cost) });
  }
  return spenders;
}

/** The refusal of a call, with the budget's books: what it may, what was spent, and by whom. */
export async function budgetExceeded(ledger: Ledger, key: string, refusal: SegnoError): Promise<SegnoError> {
  const [[budget], all] = await Promise.all([listBudgets(ledger, { key }), spendersOf(ledger, [key], mostSpenders)]);
  if (!budget) return refusal;
  const { limits, spent, held, endsAt } = budget;
  const spenders = all.get(key)!;
  const shown = [
    ...(limits.costPicoUsd === undefined
      ? []
      : [`${formatUsd(spent.costPicoUsd)} of ${formatUsd(limits.costPicoUsd)}`]),
    ...(limits.tokens === undefined ? [] : [`${spent.tokens} of ${limits.tokens} tokens`]),
    ...(limits.calls === undefined ? [] : [`${spent.calls} of ${limits.calls} calls`]),
  ];
  const by = spenders.map((spender) => `${spender.name} ${amountsText(spender)}`);
  const books = `Spent: ${shown.join(', ') || amountsText(spent)}${by.length > 0 ? ` (${by.join('; ')})` : ''}.`;
  return new SegnoError('Budget.Exceeded', `${refusal.message} ${books}`, {
    details: {
      ...refusal.details,
      limit: inUsd(limits),
      ...(endsAt !== undefined && { endsAt }),
      spent: inUsd(spent),
      ...(held.calls > 0 && { held: inUsd(held) }),
      spenders: spenders.map(({ name: agent, ...amounts }) => ({ agent, ...inUsd(amounts) })),
    },
  });
}

function amountsText({ calls, tokens, costPicoUsd }: Amounts): string {
  return `${formatUsd(costPicoUsd)}, ${tokens} tokens in ${calls} calls`;
}

function budgetState(row: BudgetRow): BudgetState {
  const amounts = (of: 'held' | 'spent' | 'raised'): Amounts => ({
    calls: Number(row[`calls_${of}`]),
    tokens: Number(row[`tokens_${of}`]),
    costPicoUsd: BigInt(row[`cost_${of}`] ?? 0),
  });
  const limit = (unit: 'calls' | 'tokens' | 'cost'): bigint | undefined => {
    const most = row[`${unit}_limit`];
    return most === null ? undefined : BigInt(most) + BigInt(row[`${unit}_raised`] ?? 0);
  };
  const [calls, tokens, cost] = [limit('calls'), limit('tokens'), limit('cost')];
  return {
    key: row.key,
    tenant: row.tenant,
    scope: row.scope ?? undefined,
    limits: {
      ...(calls !== undefined && { calls: Number(calls) }),
      ...(tokens !== undefined && { tokens: Number(tokens) }),
      ...(cost !== undefined && { costPicoUsd: cost }),
    },
    raised: amounts('raised'),
    held: amounts('held'),
    spent: amounts('spent'),
    endsAt: row.ends_at?.toISOString(),
    warnings: (row.warnings ?? []).map((warning) => ({ ...warning, at: new Date(warning.at).toISOString() })),
  };
}

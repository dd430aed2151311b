/**
 * A budget: what may be spent, what is, and what calls under way hold of it.
 *
 * Invariants:
 * 1. spent + held ≤ limit after every hold, in every unit that has a limit: holds are upper bounds, so what is settled never
 *    passes the limit.
 * 2. What is held comes back: as spent (settled, or at its upper bound when its lease ran out), or free.
 */

/** Of one or more model calls. Money is pico-USD, exact (core/money.ts). */
export interface Amounts {
  readonly calls: number;
  /** Input and output together. */
  readonly tokens: number;
  readonly costPicoUsd: bigint;
}

/** A unit without a limit is not limited. */
export type BudgetLimits = { readonly [Unit in keyof Amounts]?: Amounts[Unit] | undefined };

export interface Budget {
  readonly limits: BudgetLimits;
  readonly held: Amounts;
  readonly spent: Amounts;
}

export const noAmounts: Amounts = { calls: 0, tokens: 0, costPicoUsd: 0n };

/** `wait`: it will fit if calls under way turn out cheaper than they may; `exhausted`: it never will. */
export type BudgetFit = 'fits' | 'wait' | 'exhausted';

export function fitInto({ limits, held, spent }: Budget, need: Amounts): BudgetFit {
  if (!within(limits, plus(spent, need))) return 'exhausted';
  return within(limits, plus(plus(spent, held), need)) ? 'fits' : 'wait';
}

export function hold(budget: Budget, need: Amounts): Budget {
  return { ...budget, held: plus(budget.held, need) };
}

/** What was held becomes what was used: the real usage, the upper bound itself, or nothing for a call that never left. */
export function settle(budget: Budget, held: Amounts, used: Amounts): Budget {
  return { ...budget, held: minus(budget.held, held), spent: plus(budget.spent, used) };
}

/** The real usage of a call whose upper bound had been counted as spent. */
export function correct(budget: Budget, counted: Amounts, used: Amounts): Budget {
  return { ...budget, spent: plus(minus(budget.spent, counted), used) };
}

/** How much of it is spent or held, by the unit nearest to its limit: 0 to 1; a limit of nothing is used up. */
export function usedShare({ limits, held, spent }: Budget): number {
  const { calls, tokens, costPicoUsd } = plus(spent, held);
  const share = (used: number | bigint, limit: number | bigint | undefined): number =>
    limit === undefined ? 0 : Number(limit) === 0 ? 1 : Number(used) / Number(limit);
  return Math.max(share(calls, limits.calls), share(tokens, limits.tokens), share(costPicoUsd, limits.costPicoUsd));
}

function plus(a: Amounts, b: Amounts): Amounts {
  return { calls: a.calls + b.calls, tokens: a.tokens + b.tokens, costPicoUsd: a.costPicoUsd + b.costPicoUsd };
}

function minus(a: Amounts, b: Amounts): Amounts {
  return { calls: a.calls - b.calls, tokens: a.tokens - b.tokens, costPicoUsd: a.costPicoUsd - b.costPicoUsd };
}

function within({ calls, tokens, costPicoUsd }: BudgetLimits, amounts: Amounts): boolean {
  return (
    (calls === undefined || amounts.calls <= calls) &&
    (tokens === undefined || amounts.tokens <= tokens) &&
    (costPicoUsd === undefined || amounts.costPicoUsd <= costPicoUsd)
  );
}

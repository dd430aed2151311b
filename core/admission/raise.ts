/**
 * A budget that asks for more: what a refused call says, what a person may answer, and how waiting runs hear of it.
 *
 * Workflows import it, so it needs no schema library.
 */

/** What of a budget can be raised; `wallMs` is counted from now on, if its time is over. */
export const raiseUnits = ['usd', 'tokens', 'calls', 'wallMs'] as const;
export type RaiseUnit = (typeof raiseUnits)[number];
export type RaiseAmounts = { readonly [Unit in RaiseUnit]?: number | undefined };

/** In the details of a `Budget.Exceeded`, as `ask`: the run is to ask a person, and to try the call again. */
export interface BudgetQuestion {
  /** Its key. */
  readonly budget: string;
  /** How often it had been raised when the call was refused. */
  readonly raises: number;
  /** Those it limits. */
  readonly units: readonly RaiseUnit[];
  readonly answerWithinMs: number;
  /** For the person: what was spent and by whom, and what the call needs. */
  readonly detail: Record<string, unknown>;
}

/** The signal that tells a waiting run of a {@link BudgetRaised}. */
export const budgetRaisedSignal = 'segnoBudgetRaised';

export interface BudgetRaised {
  readonly budget: string;
  /** So far. */
  readonly raises: number;
}

/** The name of the approvals that ask for more. */
export const budgetApprovalName = 'budget';

/** Of a budget, and of a raise. */
export const mostUsd = 1_000_000;
/** Ten years: a date far from what dates can be. */
export const mostWallMs = 10 * 365 * 24 * 3_600_000;

/** What is wrong with amounts to raise a budget by; they come from outside, whatever their type says. */
export function raiseFaults(amounts: unknown, units: readonly RaiseUnit[] = raiseUnits): string[] {
  if (typeof amounts !== 'object' || amounts === null || Array.isArray(amounts) || Object.keys(amounts).length === 0) {
    return [`says not by how much; name one of ${units.join(', ')}`];
  }
  return Object.entries(amounts).flatMap(([unit, amount]: [string, unknown]) => {
    if (!units.some((known) => known === unit)) return [`${unit}: is not limited; name one of ${units.join(', ')}`];
    const most = unit === 'usd' ? mostUsd : unit === 'wallMs' ? mostWallMs : Number.MAX_SAFE_INTEGER;
    const fits = typeof amount === 'number' && amount > 0 && amount <= most;
    if (fits && (unit === 'usd' || Number.isInteger(amount))) return [];
    return [`${unit}: ${JSON.stringify(amount)} is no positive ${unit === 'usd' ? 'amount' : 'whole number'}`];
  });
}

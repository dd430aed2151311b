/** Raising a budget, and the runs that wait for it. */
import type { BudgetRaised, RaiseAmounts } from '../../core/admission/raise.js';
import { SegnoError } from '../../core/errors.js';
import { picoOfUsd } from '../../core/money.js';
import type { Ledger } from '../openLedger.js';

export interface BudgetWait {
  readonly budget: string;
  readonly namespace: string;
  readonly workflowId: string;
  /** What the call may use at most. */
  readonly tokens: number;
  readonly costPicoUsd: bigint;
  /** After that it waits no longer. */
  readonly staysMs: number;
}

/** @returns how often the budget was raised so far; undefined when the call would fit by now */
export async function waitForRaise(
  ledger: Ledger,
  { costPicoUsd, ...wait }: BudgetWait,
): Promise<{ raises: number } | undefined> {
  const { rows } = await ledger.query<{ raises: number | null }>(
    'select segno.wait_for_raise($1::jsonb) as raises',
    [JSON.stringify({ ...wait, cost: costPicoUsd.toString() })],
    { idempotent: true },
  );
  const raises = rows[0]?.raises ?? undefined;
  return raises === undefined ? undefined : { raises };
}

export interface RaiseInput {
  /** The same id counts once: a step's key, or one a command makes up. */
  readonly id: string;
  readonly budget: string;
  readonly amounts: RaiseAmounts;
  readonly by?: string | undefined;
  /** The run whose question led to it. */
  readonly scope?: string | undefined;
}

/** @throws SegnoError `Budget.Unknown`, `Ledger.Unavailable` */
export async function raiseBudget(
  ledger: Ledger,
  { id, budget, amounts: { usd, ...amounts }, by, scope }: RaiseInput,
): Promise<BudgetRaised> {
  const units = { ...amounts, ...(usd !== undefined && { cost: picoOfUsd(usd).toString() }) };
  const { rows } = await ledger.query<{ raises: number | null }>(
    'select segno.raise_budget($1, $2, $3::jsonb, $4, $5) as raises',
    [id, budget, JSON.stringify(units), by ?? null, scope ?? null],
    { idempotent: true },
  );
  const raises = rows[0]?.raises ?? undefined;
  if (raises !== undefined) return { budget, raises };
  throw new SegnoError('Budget.Unknown', `there is no budget ${budget}; \`segno budgets\` lists them by their keys`);
}

const atOnce = 8;
const listed = 200;

/**
 * Tells the runs that wait for a raise there has been. One that is told twice, or no longer waits, does not mind.
 *
 * @param wake throws when it could not tell; the run is told again by the next who tries
 * @returns how many were told
 */
export async function wakeRaised(
  ledger: Ledger,
  namespace: string,
  wake: (workflowId: string, raised: BudgetRaised) => Promise<void>,
): Promise<number> {
  for (let told = 0; ;) {
    const { rows } = await ledger.query<{ budget: string; workflow_id: string; raises: number }>(
      `select * from (select w.budget, w.workflow_id, w.raises as seen,
         (select count(*)::int from segno.budget_raises r where r.budget = w.budget) as raises
       from segno.budget_waits w where w.namespace = $1) w where raises > seen limit ${listed}`,
      [namespace],
      { idempotent: true },
    );
    for (let start = 0; start < rows.length; start += atOnce) {
      const wakings = await Promise.allSettled(
        rows.slice(start, start + atOnce).map(async ({ budget, workflow_id: workflowId, raises }) => {
          await wake(workflowId, { budget, raises });
          await ledger.query(
            'delete from segno.budget_waits where budget = $1 and namespace = $2 and workflow_id = $3 and raises < $4',
            [budget, namespace, workflowId, raises],
            { idempotent: true },
          );
        }),
      );
      const failed = wakings.find((waking) => waking.status === 'rejected');
      if (failed) throw failed.reason;
    }
    told += rows.length;
    if (rows.length < listed) return told;
  }
}

/** Forgets runs that no longer wait: nobody answered in time. */
export async function forgetWaits(ledger: Ledger): Promise<void> {
  await ledger.query(`delete from segno.budget_waits where stays_until < now() - interval '1 hour'`, [], {
    idempotent: true,
  });
}

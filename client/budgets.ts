/** Budgets as people see them: with who waits for more, and the means to give it. */
import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import {
  budgetApprovalName,
  budgetRaisedSignal,
  raiseFaults,
  type RaiseAmounts,
  type RaiseUnit,
} from '../core/admission/raise.js';
import { SegnoError } from '../core/errors.js';
import {
  type BudgetState,
  type Ledger,
  listBudgets,
  raiseBudget,
  type Spender,
  spendersOf,
  wakeRaised,
} from '../ledger/index.js';
import { listApprovals, type WaitingApproval } from './approvals.js';

export interface BudgetDetails extends BudgetState {
  /** Runs that ask a person for more of it, the oldest question first. */
  readonly waiting: readonly Pick<WaitingApproval, 'run' | 'path' | 'since' | 'until'>[];
  /** Who spent it, the dearest first; where one budget or run was asked for. */
  readonly spenders?: readonly Spender[];
}

export interface BudgetQuery {
  /** Those of the run with this id, with its child workflows. */
  run?: string;
  /** The one of this key. */
  key?: string;
  /** So many at most, the newest. Default: all. */
  limit?: number;
}

/** At least one amount, on top of what the budget has. */
export type RaiseOptions = RaiseAmounts & {
  /** Who raises it. */
  by?: string;
};

export interface RaisedBudget {
  readonly budget: BudgetState;
  /** Workflows that waited for it and were told. */
  readonly woken: number;
}

export async function describeBudgets(
  temporal: Client,
  ledger: Ledger,
  { run, key, limit }: BudgetQuery,
): Promise<BudgetDetails[]> {
  const found = await listBudgets(ledger, {
    ...(run !== undefined && { scope: run }),
    ...(key !== undefined && { key }),
    ...(limit !== undefined && { limit }),
  });
  if (found.length === 0) return [];
  const asksForSome = run !== undefined || key !== undefined;
  const [approvals, spenders] = await Promise.all([
    listApprovals(temporal),
    asksForSome
      ? spendersOf(
          ledger,
          found.map((budget) => budget.key),
        )
      : undefined,
  ]);
  const questions = approvals.filter(({ name, raise }) => name === budgetApprovalName && raise);
  return found.map((budget) => ({
    ...budget,
    waiting: questions
      .filter(({ detail }) => (detail as { budget?: string } | undefined)?.budget === budget.key)
      .map(({ run: id, path, since, until }) => ({ run: id, path, since, until })),
    ...(spenders && { spenders: spenders.get(budget.key)! }),
  }));
}

/** What of a budget is limited, and so can be raised. */
export function limitedUnits({ limits: { calls, tokens, costPicoUsd }, endsAt }: BudgetState): RaiseUnit[] {
  return [
    ...(costPicoUsd === undefined ? [] : (['usd'] as const)),
    ...(tokens === undefined ? [] : (['tokens'] as const)),
    ...(calls === undefined ? [] : (['calls'] as const)),
    ...(endsAt === undefined ? [] : (['wallMs'] as const)),
  ];
}

/** @throws SegnoError `Budget.Unknown`, `Config.Invalid` */
export async function raiseAndWake(
  temporal: Client,
  ledger: Ledger,
  key: string,
  { by, ...amounts }: RaiseOptions,
): Promise<RaisedBudget> {
  const [before] = await listBudgets(ledger, { key });
  const faults = before ? raiseFaults(amounts, limitedUnits(before)) : [];
  if (faults.length > 0) throw new SegnoError('Config.Invalid', `raise ${key}: ${faults.join('; ')}`);
  await raiseBudget(ledger, { id: `raise/${randomUUID()}`, budget: key, amounts, by });
  const woken = await wakeRaised(ledger, temporal.options.namespace, async (workflowId, raised) => {
    try {
      await temporal.workflow.getHandle(workflowId).signal(budgetRaisedSignal, raised);
    } catch (error) {
      if ((error as Error).name !== 'WorkflowNotFoundError') throw error;
    }
  }).catch(() => 0); // It is raised: the workers tell those who wait.
  const [budget] = await listBudgets(ledger, { key });
  return { budget: budget!, woken };
}

/** Budgets as people see them: with who waits for more, and the means to give it. */
import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { budgetApprovalName, budgetRaisedSignal, raiseFaults, type RaiseAmounts } from '../core/admission/raise.js';
import { SegnoError } from '../core/errors.js';
import { type BudgetState, type Ledger, listBudgets, raiseBudget, wakeRaised } from '../ledger/index.js';
import { listApprovals, type WaitingApproval } from './approvals.js';

export interface BudgetDetails extends BudgetState {
  /** Runs that ask a person for more of it, the oldest question first. */
  readonly waiting: readonly Pick<WaitingApproval, 'run' | 'path' | 'since' | 'until'>[];
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
  { run }: { run?: string },
): Promise<BudgetDetails[]> {
  const [budgets, approvals] = await Promise.all([
    listBudgets(ledger, run === undefined ? {} : { scope: run }),
    listApprovals(temporal),
  ]);
  const questions = approvals.filter(({ name, raise }) => name === budgetApprovalName && raise);
  return budgets.map((budget) => ({
    ...budget,
    waiting: questions
      .filter(({ detail }) => (detail as { budget?: string } | undefined)?.budget === budget.key)
      .map(({ run: id, path, since, until }) => ({ run: id, path, since, until })),
  }));
}

/** @throws SegnoError `Budget.Unknown`, `Config.Invalid` */
export async function raiseAndWake(
  temporal: Client,
  ledger: Ledger,
  key: string,
  { by, ...amounts }: RaiseOptions,
): Promise<RaisedBudget> {
  const [before] = await listBudgets(ledger, { key });
  const { calls, tokens, costPicoUsd } = before?.limits ?? {};
  const units = [
    ...(costPicoUsd === undefined ? [] : (['usd'] as const)),
    ...(tokens === undefined ? [] : (['tokens'] as const)),
    ...(calls === undefined ? [] : (['calls'] as const)),
    ...(before?.endsAt === undefined ? [] : (['wallMs'] as const)),
  ];
  const faults = before ? raiseFaults(amounts, units) : [];
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

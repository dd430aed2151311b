import { workflowInfo } from '@temporalio/workflow';
import type { BudgetAmounts } from '../../core/admission/settings.js';
import { budgeted, nextPath } from '../scope.js';

/**
 * Run `body` within a budget: the model calls it starts, in child workflows too, together spend no more.
 *
 * @throws `Budget.Exceeded` from the call that did not fit
 */
export async function withBudget<T>(budget: BudgetAmounts, body: () => Promise<T>): Promise<T> {
  const path = nextPath('withBudget');
  return budgeted({ ...budget, key: `scope/${workflowInfo().runId}/${path}` }, body);
}

import { log } from '@temporalio/activity';
import type { AdmissionRequest, BudgetWarning, Settlement } from '../core/admission/admission.js';

/** What a settlement is to look out for, of the budgets its call was held of. */
export function warnAtOf({ budgets }: AdmissionRequest): Pick<Settlement, 'warnAt'> {
  const warned = budgets.flatMap(({ key, warnAt = [] }) => (warnAt.length > 0 ? [[key, warnAt] as const] : []));
  return warned.length > 0 ? { warnAt: Object.fromEntries(warned) } : {};
}

/** Into the worker's log, with its numbers as fields. */
export function warn({ warnings = [] }: { warnings?: readonly BudgetWarning[] }): void {
  for (const { budget, threshold, share } of warnings) {
    log.warn(`${Math.floor(share * 100)} % of the budget ${budget} is spent`, { budget, threshold, share });
  }
}

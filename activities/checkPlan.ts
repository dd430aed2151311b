import type { CheckPlanRequest, CheckPlanResult } from '../core/contracts.js';
import { type PlanCatalogue, planCatalogue } from '../core/plan/catalogue.js';
import { parsePlan } from '../core/plan/readPlan.js';
import type { ActivityDependencies } from './dependencies.js';

/**
 * A plan against what this worker has. Pure: it may run any number of times, and the answer that stands in history is the one
 * that counts.
 */
export function createCheckPlan({ config, workflows }: Pick<ActivityDependencies, 'config' | 'workflows'>) {
  let catalogue: PlanCatalogue | undefined;
  return async ({ plan }: CheckPlanRequest): Promise<CheckPlanResult> => {
    catalogue ??= planCatalogue({ ...config, workflows });
    return Promise.resolve({ plan: parsePlan(plan, catalogue) });
  };
}

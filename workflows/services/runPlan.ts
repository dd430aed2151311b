import { checkPlan } from '../plan/checkPlan.js';
import { type PlanResult, runSteps } from '../plan/runSteps.js';

export interface RunPlanInput {
  /** The document; a big one lies in the ledger and history carries its hash. */
  plan: unknown;
  input?: unknown;
}

/** Checks a plan and runs it. */
export async function runPlan({ plan, input = null }: RunPlanInput): Promise<PlanResult> {
  const { plan: checked } = await checkPlan({ plan });
  return runSteps(checked, input);
}

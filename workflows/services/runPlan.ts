import type { Plan } from '../../core/plan/plan.js';
import { remoteActivities } from '../activities.js';
import { stepFailure } from '../failure.js';
import { type PlanResult, runSteps } from '../plan/runSteps.js';
import { nextPath } from '../scope.js';

export interface RunPlanInput {
  /** The document; a big one lies in the ledger and history carries its hash. */
  plan: unknown;
  input?: unknown;
}

const checkTimeoutMs = 10_000;
const checkDeadlineMs = 10 * 60_000;

/**
 * Checks a plan and runs it. The checked plan stands in history, so the run goes on as it began whatever agents, tools and
 * workflows the project has by then.
 */
export async function runPlan({ plan, input = null }: RunPlanInput): Promise<PlanResult> {
  return runSteps(await checkPlan(plan), input);
}

/** @throws ApplicationFailure `Plan.Invalid`, with every fault */
export async function checkPlan(plan: unknown): Promise<Plan> {
  const path = nextPath('checkPlan');
  try {
    const checked = await remoteActivities(path, {
      startToCloseTimeout: checkTimeoutMs,
      scheduleToCloseTimeout: checkDeadlineMs,
    }).checkPlan({ plan });
    return checked.plan;
  } catch (error) {
    throw stepFailure(error, path, 'Step.DeadlineExceeded');
  }
}

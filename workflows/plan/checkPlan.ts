import type { CatalogueNames, CheckPlanRequest, CheckPlanResult } from '../../core/contracts.js';
import { remoteActivities } from '../activities.js';
import { stepFailure } from '../failure.js';
import { nextPath } from '../scope.js';

const timeouts = { startToCloseTimeout: 10_000, scheduleToCloseTimeout: 10 * 60_000 };

/**
 * The checked plan, which from here on stands in history: the run goes on as it began whatever agents, tools and workflows the
 * project has by then.
 *
 * @throws ApplicationFailure `Plan.Invalid`, with every fault
 */
export async function checkPlan(request: CheckPlanRequest): Promise<CheckPlanResult> {
  const path = nextPath('checkPlan');
  try {
    return await remoteActivities(path, timeouts).checkPlan(request);
  } catch (error) {
    throw stepFailure(error, path, 'Step.DeadlineExceeded');
  }
}

/** @throws ApplicationFailure `Agent.Unknown`, `Tool.Unknown`, `Pattern.InvalidSteps` when it would be too long */
export async function describeCatalogue(names: CatalogueNames): Promise<string> {
  const path = nextPath('describeCatalogue');
  try {
    return await remoteActivities(path, timeouts).describeCatalogue(names);
  } catch (error) {
    throw stepFailure(error, path, 'Step.DeadlineExceeded');
  }
}

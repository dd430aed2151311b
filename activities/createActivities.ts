import type { BatchActivities } from '../core/batches.js';
import type { SegnoActivities } from '../core/contracts.js';
import { createBatchActivities } from './batch/createBatchActivities.js';
import { boundary } from './boundary.js';
import { createCallModel } from './callModel.js';
import { createCheckPlan, createDescribeCatalogue } from './checkPlan.js';
import type { ActivityDependencies } from './dependencies.js';
import { createRunTool } from './runTool.js';

/** Segno's activities with what they need bound to them. */
export function createActivities(dependencies: ActivityDependencies): SegnoActivities & BatchActivities {
  return {
    callModel: boundary(createCallModel(dependencies)),
    runTool: boundary(createRunTool(dependencies)),
    ...createBatchActivities(dependencies),
    checkPlan: boundary(createCheckPlan(dependencies)),
    describeCatalogue: boundary(createDescribeCatalogue(dependencies)),
  };
}

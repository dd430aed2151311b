import type { BatchActivities } from '../core/batches.js';
import type { SegnoActivities } from '../core/contracts.js';
import type { PlaceActivities } from '../core/places.js';
import { createBatchActivities } from './batch/createBatchActivities.js';
import { boundary } from './boundary.js';
import { createCallModel } from './callModel.js';
import { createCheckPlan, createDescribeCatalogue } from './checkPlan.js';
import type { ActivityDependencies } from './dependencies.js';
import { createLeavePlace, createTakePlace } from './places.js';
import { createRaiseBudget } from './raiseBudget.js';
import { createRunTool } from './runTool.js';
import { createUndoEffects } from './undoEffects.js';

/** Segno's activities with what they need bound to them. */
export function createActivities(
  dependencies: ActivityDependencies,
): SegnoActivities & BatchActivities & PlaceActivities {
  const { undoTool, listEffects, markUndone } = createUndoEffects(dependencies);
  return {
    callModel: boundary(createCallModel(dependencies)),
    runTool: boundary(createRunTool(dependencies)),
    undoTool: boundary(undoTool),
    listEffects: boundary(listEffects),
    markUndone: boundary(markUndone),
    raiseBudget: boundary(createRaiseBudget(dependencies)),
    ...createBatchActivities(dependencies),
    checkPlan: boundary(createCheckPlan(dependencies)),
    takePlace: boundary(createTakePlace(dependencies)),
    leavePlace: boundary(createLeavePlace(dependencies)),
    describeCatalogue: boundary(createDescribeCatalogue(dependencies)),
  };
}

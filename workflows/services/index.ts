/** Segno's own workflows; every worker registers them beside the user's. */
export { mapBatches } from './mapBatches.js';
export { runAgent } from './runAgent.js';
export { runPlan } from './runPlan.js';

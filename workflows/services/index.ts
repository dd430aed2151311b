/** Segno's own workflows; every worker registers them beside the user's. */
export { runAgent } from './runAgent.js';
export { runPlan } from './runPlan.js';

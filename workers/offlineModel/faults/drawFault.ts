import { drawUniform } from '../../../core/chaos/drawUniform.js';
import type { Fault } from '../../../core/chaos/fault.js';
import type { FaultPlan } from './parseFaults.js';

/** The fault for the request of that ordinal, if any: it follows from plan, seed and ordinal, and from nothing else. */
export function drawFault(plan: FaultPlan, seed: number, ordinal: number): Fault | undefined {
  const chance = drawUniform(plan.seed ?? seed, ordinal);
  let sum = 0;
  for (const { fault, weight } of plan.faults) {
    sum += weight;
    if (chance < sum) return fault;
  }
  return undefined;
}

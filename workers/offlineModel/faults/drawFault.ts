import type { Fault } from './fault.js';
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

/** In [0, 1), from two integers, by splitmix32: neighbouring seeds and ordinals give unrelated numbers. */
export function drawUniform(seed: number, ordinal: number): number {
  return mix(mix(seed | 0) ^ ordinal) / 2 ** 32;
}

function mix(value: number): number {
  let bits = (value + 0x9e3779b9) | 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x21f0aaad);
  bits = Math.imul(bits ^ (bits >>> 15), 0x735a2d97);
  return (bits ^ (bits >>> 15)) >>> 0;
}

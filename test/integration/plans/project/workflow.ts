import { defineSignal, sleep } from '@temporalio/workflow';
import type { Plan } from '../../../../core/plan/plan.js';
import { runSteps, type PlanResult } from '../../../../workflows/index.js';

/** Started by plans. */
export async function greet({ name }: { name: string }): Promise<{ greeting: string }> {
  await sleep(1);
  return Promise.resolve({ greeting: `Hello, ${name}` });
}

/** Started by maps of plans, for each element. */
export async function twice({ n }: { n: number }): Promise<{ n: number }> {
  return Promise.resolve({ n: 2 * n });
}

export async function waitLong(): Promise<void> {
  await sleep('1 day');
}

/** Interprets a plan inside a workflow of its own, with outputs kept from before. */
export async function runKept(input: { plan: Plan; done: Record<string, unknown> }): Promise<PlanResult> {
  return runSteps(input.plan, null, { done: input.done });
}

/** No workflow: a plan may not start it. */
export const hurry = defineSignal('hurry');

import type { Priority } from '@temporalio/common';
import { SegnoError } from '../core/errors.js';
import type { RunContext } from '../core/contracts.js';

/** @throws SegnoError `Config.Invalid` */
export function checkedPriority(priority: number): number {
  if (Number.isInteger(priority) && priority >= 1 && priority <= 5) return priority;
  throw new SegnoError('Config.Invalid', `the run’s priority: ${priority} is not one of 1 (first) to 5`);
}

/**
 * How Temporal orders the tasks of a run: by priority, then tenants in turn. Its activities, children and further executions
 * inherit it there. Undefined when all of it is default.
 */
export function temporalPriority({ priority, tenant }: Pick<RunContext, 'priority' | 'tenant'>): Priority | undefined {
  if (priority === undefined && tenant === undefined) return undefined;
  return {
    ...(priority !== undefined && { priorityKey: priority }),
    ...(tenant !== undefined && { fairnessKey: tenant }),
  };
}

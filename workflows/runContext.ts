import { workflowInfo } from '@temporalio/workflow';
import { memoKey, type RunContext, type RunMemo } from '../core/contracts.js';

/**
 * What activities must be told of this run; undefined when all of it is default, which is the common case.
 *
 * The memo goes on to children and to further executions, but only the first execution of the run itself has the paths of
 * its predecessor: the same path elsewhere names another step.
 */
export function runContext(): RunContext | undefined {
  const { memo: carried, parent, continuedFromExecutionRunId } = workflowInfo();
  const memo = carried?.[memoKey] as RunMemo | undefined;
  if (!memo) return undefined;
  const { scope, tenant, deps } = memo;
  const predecessor = parent || continuedFromExecutionRunId ? undefined : memo.predecessor;
  if (scope === undefined && tenant === undefined && deps === undefined && predecessor === undefined) return undefined;
  return {
    ...(scope !== undefined && { scope }),
    ...(tenant !== undefined && { tenant }),
    ...(deps !== undefined && { deps }),
    ...(predecessor !== undefined && { predecessor }),
  };
}

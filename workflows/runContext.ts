import { workflowInfo } from '@temporalio/workflow';
import { memoKey, type RunContext, type RunMemo } from '../core/contracts.js';
import { ownTrace } from './runTrace.js';
import { budgetsAround, runsAnew } from './scope.js';

/**
 * What activities must be told of this run; undefined when all of it is default, which is the common case.
 *
 * The memo goes on to children and to further executions, but only the first execution of the run itself has the paths of
 * its predecessor: the same path elsewhere names another step.
 */
export function runContext(): RunContext | undefined {
  const { memo: carried, parent, continuedFromExecutionRunId } = workflowInfo();
  const { scope, tenant, deps, priority, trace, ...memo } = (carried?.[memoKey] as RunMemo | undefined) ?? {};
  const predecessor = parent || continuedFromExecutionRunId || runsAnew() ? undefined : memo.predecessor;
  const budgets = [...(memo.budgets ?? []), ...budgetsAround()];
  const context: RunContext = {
    ...(scope !== undefined && { scope }),
    ...(tenant !== undefined && { tenant }),
    ...(deps !== undefined && { deps }),
    ...(predecessor !== undefined && { predecessor }),
    ...(budgets.length > 0 && { budgets }),
    ...(priority !== undefined && { priority }),
    ...((trace !== undefined || continuedFromExecutionRunId !== undefined) && { trace: ownTrace() }),
  };
  return Object.keys(context).length > 0 ? context : undefined;
}

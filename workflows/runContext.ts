import { workflowInfo } from '@temporalio/workflow';
import { memoKey, type RunContext, type RunMemo } from '../core/contracts.js';

/** What activities must be told of this run; undefined when all of it is default, which is the common case. */
export function runContext(): RunContext | undefined {
  const memo = workflowInfo().memo?.[memoKey] as RunMemo | undefined;
  if (!memo) return undefined;
  const { scope, tenant, deps, predecessor } = memo;
  if (scope === undefined && tenant === undefined && deps === undefined && predecessor === undefined) return undefined;
  return {
    ...(scope !== undefined && { scope }),
    ...(tenant !== undefined && { tenant }),
    ...(deps !== undefined && { deps }),
    ...(predecessor !== undefined && { predecessor }),
  };
}

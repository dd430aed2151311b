import { Context } from '@temporalio/activity';
import { type BudgetRaised, budgetRaisedSignal } from '../core/admission/raise.js';
import type { RaiseBudgetRequest } from '../core/contracts.js';
import { raiseBudget, wakeRaised } from '../ledger/index.js';
import { type ActivityDependencies, currentStep } from './dependencies.js';
import { withHeartbeat } from './heartbeat.js';

/** Raises a budget as a person has agreed to: once, whatever becomes of the worker, and then tells all runs that wait for it. */
export function createRaiseBudget({ ledger }: ActivityDependencies) {
  return async ({ path, budget, amounts, by, ctx }: RaiseBudgetRequest): Promise<BudgetRaised> => {
    const { key: id, scope } = currentStep({ path, ...(ctx && { ctx }) });
    const { client, info } = Context.current();
    return withHeartbeat(async () => {
      const raised = await raiseBudget(ledger, { id, budget, amounts, by, scope });
      await wakeRaised(ledger, info.namespace, async (workflowId, told) => {
        if (workflowId === info.workflowExecution?.workflowId) return;
        try {
          await client.workflow.getHandle(workflowId).signal(budgetRaisedSignal, told);
        } catch (error) {
          // One that has ended waits for nothing.
          if ((error as Error).name !== 'WorkflowNotFoundError') throw error;
        }
      });
      return raised;
    });
  };
}

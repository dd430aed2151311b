import { CancellationScope, workflowInfo, type WorkflowInterceptorsFactory } from '@temporalio/workflow';
import { quickStepsEnd } from './agent/quickSlots.js';
import { cancelOnceStarted } from './cancelOnceStarted.js';
import { memoKey, workflowTaskTimeoutMs } from '../core/contracts.js';
import { takeInEvents } from './eventInbox.js';
import { inItsPlace } from './inItsPlace.js';
import { runContext } from './runContext.js';
import { ownTrace } from './runTrace.js';
import { tellEnded, tellFailed } from './tellEnded.js';

/**
 * Every child workflow of a Segno run, also one that a user starts with plain `executeChild`, belongs to the run: its steps,
 * documents and costs are found under the root's id, it recovers as fast, and it ends when it is cancelled.
 */
export const interceptors: WorkflowInterceptorsFactory = () => ({
  inbound: [
    {
      async execute(input, next) {
        const { startTime, workflowType: name } = workflowInfo();
        takeInEvents();
        const began = { kind: 'run' as const, name, startedMs: startTime.getTime() };
        try {
          const result = await inItsPlace(() => next(input));
          tellEnded({ ...began, status: 'completed' });
          return result;
        } catch (error) {
          tellFailed(began, error);
          throw error;
        } finally {
          await CancellationScope.nonCancellable(quickStepsEnd);
        }
      },
    },
  ],
  outbound: [
    {
      async startChildWorkflowExecution(input, next) {
        const context = runContext();
        const options = {
          workflowTaskTimeout: workflowTaskTimeoutMs,
          ...input.options,
          memo: {
            ...input.options.memo,
            [memoKey]: { ...context, scope: context?.scope ?? workflowInfo().workflowId, trace: ownTrace() },
          },
        };
        return cancelOnceStarted(options.workflowId, () => next({ ...input, options }));
      },
    },
  ],
});

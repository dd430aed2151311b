import { CancellationScope, getExternalWorkflowHandle, patched } from '@temporalio/workflow';

/**
 * Cancels a child workflow that is cancelled before it has started once more when it has. The server creates a child some time
 * after it was asked to, and on a busy one a request to cancel what is not there yet fails: the child would run on, and its parent
 * wait for its end. To be called where the child is started.
 *
 * @param start gives the run id of the child as soon as it has one
 */
export function cancelOnceStarted<Started extends readonly [Promise<string>, ...unknown[]]>(
  workflowId: string,
  start: () => Promise<Started>,
): Promise<Started> {
  const scope = CancellationScope.current();
  const starting = start();
  if (!scope.cancellable || scope.consideredCancelled) return starting;
  const started = starting.then(([runId]) => runId);
  let isStarted = false;
  started.then(
    () => (isStarted = true),
    () => undefined,
  );
  scope.cancelRequested.catch(() => {
    if (isStarted || !patched('cancel-children-once-started')) return;
    // One that has heard the first request refuses the second.
    started
      .then((runId) => CancellationScope.nonCancellable(() => getExternalWorkflowHandle(workflowId, runId).cancel()))
      .catch(() => undefined);
  });
  return starting;
}

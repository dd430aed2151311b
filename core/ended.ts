/**
 * What a workflow tells the worker that runs it when something in it has ended: for metrics and traces, never for decisions, and
 * nothing of it is in history.
 */
export interface Ended {
  readonly kind: 'run' | 'agent';
  /** The workflow's type, or the agent. */
  readonly name: string;
  /** Key of the agent's call; absent for a run. */
  readonly key?: string;
  /** Id of the workflow it ran in. */
  readonly workflowId: string;
  /** The span of that workflow, as a `traceparent`. */
  readonly trace: string;
  /** The span that one was started in. */
  readonly above?: string;
  /** False in child workflows. */
  readonly root: boolean;
  /** Workflow clock, epoch milliseconds; of a run that continued as new, of its first execution. */
  readonly startedMs: number;
  readonly endedMs: number;
  readonly status: EndStatus;
  /** Why it failed: a registered type, or the one its own code gave the failure. */
  readonly errorType?: string;
}

export type EndStatus = 'completed' | 'failed' | 'cancelled';

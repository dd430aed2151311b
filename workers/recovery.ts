import type { Client } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { budgetRaisedSignal } from '../core/admission/raise.js';
import {
  claimDead,
  findUnrecovered,
  forgetWaits,
  type Ledger,
  markRecovered,
  runsTouchedBy,
  type TouchedRun,
  wakeRaised,
} from '../ledger/index.js';

const parallelRuns = 8;
/** Open runs looked at beside those the ledger knows the dead worker touched. */
const openRunsLimit = 200;

export interface RecoveryOptions {
  ledger: Ledger;
  client: Client;
  namespace: string;
  taskQueue: string;
  instance: string;
}

/**
 * What a dead worker left is given on at once instead of at Temporal's time-outs (STEP-PROTOCOL, Recovery).
 *
 * Invariants:
 * 1. An attempt is failed only where the server itself says that the dead instance runs it.
 * 2. One survivor recovers a dead instance; another may start over if that one dies too. Doing it twice does no harm.
 */
export class Recovery {
  constructor(private readonly options: RecoveryOptions) {}

  async recoverAll(): Promise<void> {
    const { ledger, instance } = this.options;
    for (const dead of await findUnrecovered(ledger, instance)) {
      if (!(await claimDead(ledger, dead.instance, instance))) continue;
      await this.recover(dead.instance);
      await markRecovered(ledger, dead.instance, instance);
    }
  }

  /** Runs that a raised budget lets go on, where whoever raised it was lost before it could tell them. */
  async wakeRaised(): Promise<void> {
    const { ledger, client, namespace } = this.options;
    await wakeRaised(ledger, namespace, async (workflowId, raised) => {
      await client.workflow.getHandle(workflowId).signal(budgetRaisedSignal, raised).catch(ignoreGone);
    });
    await forgetWaits(ledger);
  }

  private async recover(dead: string): Promise<void> {
    const touched = await runsTouchedBy(this.options.ledger, dead);
    const seen = new Set(touched.map(({ runId }) => runId));
    const open = (await this.openRuns()).filter(({ runId }) => !seen.has(runId));
    const runs = [...touched, ...open];
    for (let start = 0; start < runs.length; start += parallelRuns) {
      await Promise.all(runs.slice(start, start + parallelRuns).map((run) => this.recoverRun(run, dead)));
    }
  }

  /** Runs that have not reached a step yet, or wait for something, are in no step's row. */
  private async openRuns(): Promise<TouchedRun[]> {
    const { client, taskQueue } = this.options;
    const found: TouchedRun[] = [];
    const query = `ExecutionStatus = "Running" AND TaskQueue = "${taskQueue}"`;
    for await (const { workflowId, runId } of client.workflow.list({ query, pageSize: openRunsLimit })) {
      found.push({ workflowId, runId });
      if (found.length >= openRunsLimit) break;
    }
    return found;
  }

  private async recoverRun({ workflowId, runId }: TouchedRun, dead: string): Promise<void> {
    const { client, namespace } = this.options;
    const execution = { workflowId, runId };
    let pending;
    try {
      const { raw } = await client.workflow.getHandle(workflowId, runId).describe();
      if (raw.workflowExecutionInfo?.closeTime) return;
      pending = raw.pendingActivities ?? [];
    } catch (error) {
      if (isGone(error)) return;
      throw error;
    }
    await client.workflowService.resetStickyTaskQueue({ namespace, execution }).catch(ignoreGone);
    for (const activity of pending) {
      if (activity.lastWorkerIdentity !== dead || activity.state !== startedState || !activity.activityId) continue;
      const failure = ApplicationFailure.create({ type: 'Worker.Died', message: `worker ${dead} died` });
      await client.activity.fail({ workflowId, runId, activityId: activity.activityId }, failure).catch(ignoreGone);
    }
  }
}

/** `PendingActivityState.PENDING_ACTIVITY_STATE_STARTED` of Temporal's API. */
const startedState = 2;

function isGone(error: unknown): boolean {
  const { code, name } = error as { code?: number; name?: string };
  return code === 5 || name === 'WorkflowNotFoundError' || name === 'ActivityNotFoundError';
}

function ignoreGone(error: unknown): void {
  if (!isGone(error)) throw error;
}

/**
 * Writes a run's histories down, so that tests can replay them.
 *
 * Invariants:
 * 1. What is written replays without any server, ledger or model.
 * 2. Nothing of the machine it was recorded on stands in it: no host, no pid, no path.
 */
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import type { SegnoClient } from '../client/index.js';
import { listSteps } from '../ledger/index.js';
import { historyFileName, type RecordedExecution, writeFixture } from './historyFixture.js';
import { claimChecks, type HistoryJson, scheduledSteps, startedEvent } from './historyJson.js';

/** A run leads to at most so many executions; more is a mistake in the choice of the run. */
const maxExecutions = 50;

/**
 * Record a run, whatever its state, with its child workflows and all it continued as. Inputs and results stand in it: record
 * made-up data, never a customer's.
 *
 * @param id the run's id
 * @param options.dir the fixture's folder; it is created
 */
export async function recordRun(client: SegnoClient, id: string, options: { dir: string }): Promise<void> {
  const steps = await stepPaths(client, id);
  const wanted = [await firstExecution(client, id)];
  const executions: RecordedExecution[] = [];
  const blobs = new Map<string, Uint8Array>();
  for (let next = wanted.shift(); next; next = wanted.shift()) {
    if (executions.length >= maxExecutions) throw new Error(`the run ${id} led to over ${maxExecutions} executions`);
    const history = await fetchHistory(client, next);
    const workflow = startedEvent(history).workflowType.name;
    const begun = (steps.get(next.runId) ?? []).filter((path) => !isInBatch(workflow, path));
    executions.push({
      file: historyFileName(executions.length, workflow),
      history,
      steps: [...new Set([...begun, ...scheduledSteps(history)])].sort(),
    });
    wanted.push(...successors(history, next.workflowId));
    for (const sha256 of claimChecks(history)) blobs.set(sha256, await client.getDocument({ sha256 }));
  }
  writeFixture(options.dir, executions, blobs);
}

/** A map's own workflow asks for batches; the items in them are the activity's. */
function isInBatch(workflow: string, path: string): boolean {
  return workflow === 'mapBatches' && /\/item#\d+/.test(path);
}

interface Execution {
  workflowId: string;
  runId: string;
}

/** A run that continued as new is found under its newest execution. */
async function firstExecution(client: SegnoClient, id: string): Promise<Execution> {
  const newest = await client.get(id);
  const { firstExecutionRunId } = startedEvent(await fetchHistory(client, { workflowId: id, runId: newest.runId }));
  return { workflowId: id, runId: firstExecutionRunId };
}

async function fetchHistory(client: SegnoClient, { workflowId, runId }: Execution): Promise<HistoryJson> {
  const history = await client.temporal.workflow.getHandle(workflowId, runId).fetchHistory();
  const json = JSON.parse(historyToJSON(history)) as HistoryJson;
  return withoutMachine(json) as HistoryJson;
}

/** Identities are pids at hosts, stack traces are full of paths; neither takes part in a replay. */
function withoutMachine(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutMachine);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([name]) => name !== 'identity' && name !== 'stackTrace');
  return Object.fromEntries(kept.map(([name, inner]) => [name, withoutMachine(inner)]));
}

/** The ledger knows every step that was begun, quick ones too, by the execution it belongs to. */
async function stepPaths(client: SegnoClient, id: string): Promise<Map<string, string[]>> {
  const paths = new Map<string, string[]>();
  for (const { runId, path } of await listSteps(client.ledger, { scope: id })) {
    paths.set(runId, [...(paths.get(runId) ?? []), path]);
  }
  return paths;
}

/** What the run led to: its child workflows, and what it continued as. */
function successors(history: HistoryJson, workflowId: string): Execution[] {
  return history.events.flatMap((event) => {
    const child = event['childWorkflowExecutionStartedEventAttributes'] as { workflowExecution: Execution } | undefined;
    if (child) return [child.workflowExecution];
    const next = event['workflowExecutionContinuedAsNewEventAttributes'] as { newExecutionRunId: string } | undefined;
    return next ? [{ workflowId, runId: next.newExecutionRunId }] : [];
  });
}

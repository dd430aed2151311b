import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import { type PatternProgress, progressQueryName } from '../core/contracts.js';
import type { RunningPattern } from '../core/patternLines.js';

/** Executions of a run that are asked. */
const mostExecutions = 20;
/** A worker answers at once or, for who watches, not at all. */
const askMs = 1_500;

/**
 * The patterns under way in `root`, as just described, and its running children, asked level by level. Who does not answer in
 * time, because no worker runs for example, is left out.
 */
export async function runningPatterns(
  { workflow, connection }: Client,
  root: WorkflowExecutionDescription,
): Promise<RunningPattern[]> {
  const patterns: RunningPattern[] = [];
  let places = mostExecutions - 1;
  const ask = async (id: string, runId: string): Promise<void> => {
    const answer = await workflow.getHandle(id, runId).query<Record<string, PatternProgress>>(progressQueryName);
    for (const [path, progress] of Object.entries(answer)) patterns.push({ path, workflowId: id, ...progress });
  };
  const visit = async ({ workflowId, runId, raw }: WorkflowExecutionDescription): Promise<void> => {
    const children = raw.pendingChildren?.slice(0, places) ?? [];
    places -= children.length;
    await Promise.allSettled([
      ask(workflowId, runId),
      ...children.map(async (child) =>
        visit(await workflow.getHandle(child.workflowId ?? '', child.runId ?? undefined).describe()),
      ),
    ]);
  };
  await connection.withDeadline(Date.now() + askMs, () => visit(root));
  return patterns;
}

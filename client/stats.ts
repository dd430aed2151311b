/**
 * The figures of executions: runs from Temporal, which alone knows how they ended; agents, tools and patterns from the ledger.
 *
 * Invariants:
 * 1. A run is one execution, whatever it continued as new, however often its steps were tried, and also when it was retried: then it is
 *    what the newest retry is.
 * 2. Child workflows are parts of their run.
 * 3. Reading is bounded: of more than `mostRuns` runs the newest are looked at, and `partial` says so.
 */
import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { memoKey, type RunMemo } from '../core/contracts.js';
import { picoToUsd } from '../core/money.js';
import {
  agentFigures,
  type AgentFigures,
  type ExecutionFigures,
  type Ledger,
  type PatternFigures,
  patternFigures,
  toolFigures,
} from '../ledger/index.js';

const mostRuns = 50_000;
/** Of runs that continued as new before the time asked for, whose beginning has to be looked up one by one. */
const mostLookups = 500;

export interface Figures {
  executions: number;
  running: number;
  failed: number;
  /** Of those that ended, 0 to 1; undefined when none has. */
  errorRate?: number;
  /** Of those that ended. */
  averageMs?: number;
}

export type NamedFigures = Figures & { name: string };

export interface AgentStats extends NamedFigures {
  modelCalls: number;
  inputTokens: number;
  outputTokens: number;
  costUsd: number;
  /** Some calls count with their upper bound, because their real usage was never learnt. */
  estimated: boolean;
}

export interface Stats {
  /** ISO 8601; absent: all that is known. */
  since?: string;
  /** Ended since then, or running. */
  runs: Figures & { completed: number; cancelled: number; successRate?: number; partial: boolean };
  byWorkflow: (Figures & { name: string })[];
  /** By how many runs used them. */
  patterns: PatternFigures[];
  mostUsedPattern?: string;
  agents: AgentStats[];
  tools: NamedFigures[];
}

export async function statsSince(temporal: Client, ledger: Ledger, since: string | undefined): Promise<Stats> {
  const { runs, runningWorkflows, retriedRuns, partial } = await runsSince(temporal, since);
  const query = { since, runningWorkflows, retriedRuns };
  const [agents, tools, patterns] = await Promise.all([
    agentFigures(ledger, query),
    toolFigures(ledger, query),
    patternFigures(ledger, since),
  ]);
  const count = (status: RunEnd['status']): number => runs.filter((run) => run.status === status).length;
  const completed = count('completed');
  const ended = runs.length - count('running');
  const workflows = [...new Set(runs.map(({ workflow }) => workflow))];
  return {
    ...(since !== undefined && { since }),
    runs: {
      ...figuresOfRuns(runs),
      ...{ completed, cancelled: count('cancelled') },
      ...(ended > 0 && { successRate: completed / ended }),
      partial,
    },
    byWorkflow: workflows
      .map((name) => ({ name, ...figuresOfRuns(runs.filter(({ workflow }) => workflow === name)) }))
      .sort((a, b) => b.executions - a.executions || a.name.localeCompare(b.name)),
    patterns,
    ...(patterns[0] && { mostUsedPattern: patterns[0].pattern }),
    agents: agents.map(agentStats),
    tools: tools.map(namedFigures),
  };
}

interface RunEnd {
  readonly workflow: string;
  readonly status: 'running' | 'completed' | 'failed' | 'cancelled';
  readonly durationMs: number;
}

interface RunsSince {
  readonly runs: readonly RunEnd[];
  /** Child workflows too. */
  readonly runningWorkflows: string[];
  readonly retriedRuns: string[];
  readonly partial: boolean;
}

async function runsSince(temporal: Client, since: string | undefined): Promise<RunsSince> {
  /** By run id: what ends between the two listings is in both, and the second knows how it ended. */
  const byRunId = new Map<string, WorkflowExecutionInfo>();
  let partial = false;
  // The close time of what is running counts as far in the future.
  const ended = `ExecutionStatus != "Running"${since === undefined ? '' : ` AND CloseTime >= "${since}"`}`;
  for (const query of ['ExecutionStatus = "Running"', ended]) {
    let listed = 0;
    for await (const info of temporal.workflow.list({ query, pageSize: 1_000 })) {
      if (!info.memo?.[memoKey] && !info.parentExecution) continue;
      byRunId.set(info.runId, info);
      listed += 1;
      partial ||= listed >= mostRuns;
      if (listed >= mostRuns) break;
    }
  }
  const found = [...byRunId.values()];
  const roots = found.filter(({ parentExecution }) => !parentExecution);
  const retriedRuns = roots.flatMap(({ memo }) => (memo?.[memoKey] as RunMemo).predecessor ?? []);
  const retried = new Set(retriedRuns);
  const continued = new Map<string, Date[]>();
  for (const { workflowId, status, closeTime, startTime } of roots) {
    if (status.name !== 'CONTINUED_AS_NEW' || !closeTime) continue;
    continued.set(workflowId, [...(continued.get(workflowId) ?? []), startTime]);
  }
  let lookups = 0;
  const runs: RunEnd[] = [];
  for (const info of roots) {
    const { workflowId, runId, status, startTime, closeTime } = info;
    if (status.name === 'CONTINUED_AS_NEW' || retried.has(runId)) continue;
    const mayGoBack = continued.has(workflowId) || (since !== undefined && startTime.toISOString() < since);
    if (mayGoBack && closeTime) lookups += 1;
    partial ||= lookups > mostLookups;
    const begun = mayGoBack && closeTime && lookups <= mostLookups ? await beginningOf(temporal, info) : startTime;
    runs.push({
      workflow: info.type,
      status: statusOf(status.name),
      durationMs: (closeTime ?? new Date()).getTime() - begun.getTime(),
    });
  }
  const running = found.filter(({ status }) => status.name === 'RUNNING');
  return { runs, retriedRuns, runningWorkflows: [...new Set(running.map(({ workflowId }) => workflowId))], partial };
}

/** When the first execution of a run began that continued as new. */
async function beginningOf(temporal: Client, { workflowId, runId, startTime }: WorkflowExecutionInfo): Promise<Date> {
  try {
    const { raw } = await temporal.workflow.getHandle(workflowId, runId).describe();
    const first = raw.workflowExecutionInfo?.firstRunId;
    if (!first || first === runId) return startTime;
    return (await temporal.workflow.getHandle(workflowId, first).describe()).startTime;
  } catch (error) {
    // Its retention is over.
    if ((error as Error).name === 'WorkflowNotFoundError') return startTime;
    throw error;
  }
}

function statusOf(name: string): RunEnd['status'] {
  if (name === 'RUNNING' || name === 'PAUSED') return 'running';
  if (name === 'COMPLETED') return 'completed';
  return name === 'CANCELLED' ? 'cancelled' : 'failed';
}

function figuresOfRuns(runs: readonly RunEnd[]): Figures {
  const ended = runs.filter(({ status }) => status !== 'running');
  const totalMs = ended.reduce((sum, { durationMs }) => sum + durationMs, 0);
  return figures({
    executions: runs.length,
    running: runs.length - ended.length,
    failed: runs.filter(({ status }) => status === 'failed').length,
    averageMs: ended.length > 0 ? totalMs / ended.length : undefined,
  });
}

function figures({ executions, running, failed, averageMs }: Omit<ExecutionFigures, 'name'>): Figures {
  const ended = executions - running;
  return {
    ...{ executions, running, failed },
    ...(ended > 0 && { errorRate: failed / ended }),
    ...(averageMs !== undefined && { averageMs }),
  };
}

function namedFigures(row: ExecutionFigures): NamedFigures {
  return { name: row.name, ...figures(row) };
}

function agentStats({ modelCalls, usage, ...row }: AgentFigures): AgentStats {
  const { inputTokens, outputTokens, costPicoUsd, estimated } = usage;
  return { ...namedFigures(row), modelCalls, inputTokens, outputTokens, costUsd: picoToUsd(costPicoUsd), estimated };
}

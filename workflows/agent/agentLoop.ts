import { CancellationScope, executeChild, workflowInfo } from '@temporalio/workflow';
import type { BudgetQuestion } from '../../core/admission/raise.js';
import type { KeyedBudget } from '../../core/admission/settings.js';
import {
  type CallModelResult,
  type ModelCallOptions,
  type RunContext,
  stepKey,
  type ToolCall,
} from '../../core/contracts.js';
import { modelCallLimitMs, turnsPerExecution } from '../../core/limits.js';
import { remoteActivities } from '../activities.js';
import { Deadline } from '../deadline.js';
import { askForMore, questionOf } from '../budgetQuestions.js';
import { fail, stepFailure, withLines } from '../failure.js';
import { paused } from '../pauses.js';
import { runContext } from '../runContext.js';
import { countRepetitions, countUsage, nextPath, watched, within } from '../scope.js';
import { tellEnded, tellFailed } from '../tellEnded.js';
import { callTool } from './callTool.js';

/**
 * The whole state of an agent call between two turns: JSON, and the same size at turn 1,000 as at turn 1.
 * It outlives deploys when an agent moves to its own workflow, so it carries a version.
 */
export interface AgentState {
  version: 1;
  agent: string;
  path: string;
  /** Workflow clock, epoch milliseconds. */
  deadlineMs: number;
  options?: ModelCallOptions;
  maxTurns?: number;
  /** Of this call alone. */
  budget?: KeyedBudget;
  input?: unknown;
  head?: string;
  append?: string[];
  turns: number;
  repairs: number;
  limits?: { maxTurns: number; maxRepairs: number };
  /** Set in the agent's own workflow: the run that called the agent, under which all its steps stand, and which that retries. */
  run?: string;
  predecessor?: string;
}

/** What the turns of an agent call used in all executions of its own workflow. */
export interface AgentUsage {
  /** Input tokens, output tokens, cost in pico-USD. */
  usage: [number, number, string];
  repetitions: number;
}

/** The result of an agent's own workflow. */
export interface AgentEnd {
  output: unknown;
  used: AgentUsage;
}

/**
 * Model call → tool calls → … → output. Ends with the output, or with a failure within `maxTurns` turns and the deadline.
 *
 * @returns the output, or the state to go on with in another execution after `turnsPerExecution` turns
 */
export async function runTurns(state: AgentState): Promise<{ output: unknown } | { goOn: AgentState }> {
  for (let turn = 0; turn < turnsPerExecution; turn += 1) {
    let result: CallModelResult | undefined;
    for (let asked = 1; result === undefined; asked += 1) {
      try {
        result = await callModel(state);
      } catch (error) {
        const question = questionOf(error);
        if (!question) throw error;
        state = await afterAnswer(state, asked, question, error as Error);
      }
    }
    if ('output' in result) return { output: result.output };
    const limits = state.limits ?? result.limits ?? { maxTurns: 1, maxRepairs: 0 };
    const repairs = state.repairs + (result.invalid === undefined ? 0 : 1);
    if (result.invalid !== undefined && repairs > limits.maxRepairs) {
      throw fail(
        result.blocked ? 'Guardrail.Blocked' : 'Model.InvalidOutput',
        result.blocked
          ? `${state.path}: its output was blocked by ${result.invalid}`
          : `${state.path}: the answer does not match the output schema:\n${result.invalid}`,
        state.path,
      );
    }
    const turns = state.turns + 1;
    if (turns >= (state.maxTurns ?? limits.maxTurns)) {
      throw fail('Agent.TurnLimit', `${state.path}: no answer after ${turns} turns`, state.path);
    }
    const { input: _, append: __, ...kept } = state;
    const { append, askedMs } = await callTools(state, result);
    state = {
      ...kept,
      ...{ head: result.head, turns, repairs, limits, deadlineMs: state.deadlineMs + askedMs },
      ...(append.length > 0 && { append }),
    };
  }
  return { goOn: state };
}

/** The agent's call in the workflow that made it; a long one goes on in a child workflow, so that no history grows with it. */
export function runAgentCall(state: AgentState): Promise<unknown> {
  return watched(() => runCall(state));
}

async function runCall(state: AgentState): Promise<unknown> {
  const key = stepKey(workflowInfo().runId, state.path);
  const began = { kind: 'agent' as const, name: state.agent, key, startedMs: Date.now() };
  try {
    const result = await runTurns(state);
    if ('output' in result) {
      tellEnded({ ...began, status: 'completed' });
      return result.output;
    }
    const predecessor = runContext()?.predecessor;
    const goOn: AgentState = {
      ...result.goOn,
      run: workflowInfo().runId,
      ...(predecessor !== undefined && { predecessor }),
    };
    try {
      // No limit of the server's: a person who is asked for a budget may take longer than the agent has.
      const { output, used } = await executeChild<(state: AgentState) => Promise<AgentEnd>>('runAgent', {
        args: [goOn],
      });
      countUsage(used.usage);
      countRepetitions(used.repetitions);
      tellEnded({ ...began, status: 'completed' });
      return output;
    } catch (error) {
      throw stepFailure(error, state.path, 'Agent.DeadlineExceeded');
    }
  } catch (error) {
    tellFailed(began, error);
    throw error;
  }
}

/** The context of the agent's steps, which stand under the run that called it wherever its turns run. */
function contextOf({ run, predecessor, budget }: AgentState): RunContext | undefined {
  const ctx = runContext();
  const budgets = [...(ctx?.budgets ?? []), ...(budget ? [budget] : [])];
  if (run === undefined && !budget) return ctx;
  return {
    ...ctx,
    ...(run !== undefined && { run }),
    ...(run !== undefined && predecessor !== undefined && { predecessor }),
    ...(budgets.length > 0 && { budgets }),
  };
}

/**
 * The state to try the turn again with: the time a person took to answer is not the agent's.
 *
 * @throws the refused call's failure when the budget was not raised
 */
async function afterAnswer(
  state: AgentState,
  asked: number,
  question: BudgetQuestion,
  refusal: Error,
): Promise<AgentState> {
  const turnPath = `${state.path}/turn#${state.turns + 1}`;
  const sinceMs = Date.now();
  const ask = () => askForMore(`${turnPath}/approval/budget#${asked}`, question, { ctx: contextOf(state) });
  const refused = await paused(turnPath, ask);
  if (refused !== undefined) throw withLines(refusal, [refused]);
  return { ...state, deadlineMs: state.deadlineMs + Date.now() - sinceMs };
}

async function callModel(state: AgentState): Promise<CallModelResult> {
  const { agent, input, head, append, options, path, turns } = state;
  const turnPath = `${path}/turn#${turns + 1}`;
  const { leftMs } = Deadline.at(state.deadlineMs);
  if (leftMs === 0) throw fail('Agent.DeadlineExceeded', `${turnPath} had no time left`, turnPath);
  const ctx = contextOf(state);
  try {
    const result = await remoteActivities(turnPath, {
      startToCloseTimeout: Math.min(modelCallLimitMs, leftMs),
      scheduleToCloseTimeout: leftMs,
    }).callModel({
      agent,
      path: turnPath,
      ...(input !== undefined && { input }),
      ...(head !== undefined && { head }),
      ...(append && { append }),
      ...(options && { options }),
      ...(ctx && { ctx }),
    });
    countUsage(result.usage);
    countRepetitions((result.attempts ?? 1) - 1);
    return result;
  } catch (error) {
    throw stepFailure(error, turnPath, 'Agent.DeadlineExceeded');
  }
}

/**
 * All calls the model asked for in one turn, side by side; the first failure cancels the others.
 *
 * @returns the tool messages, and how long a person was asked something
 */
async function callTools(
  state: AgentState,
  { calls = [], head }: CallModelResult,
): Promise<{ append: string[]; askedMs: number }> {
  if (calls.length === 0) return { append: [], askedMs: 0 };
  const ctx = contextOf(state);
  const deadline = Deadline.at(state.deadlineMs);
  return within(`${state.path}/turn#${state.turns + 1}`, () =>
    CancellationScope.cancellable(async () => {
      const scope = CancellationScope.current();
      const running = calls.map(async ({ tool, policy }: ToolCall, index) => {
        const request = { tool, path: nextPath(tool), agent: state.agent, head, index, ...(ctx && { ctx }) };
        return callTool(request, policy, deadline);
      });
      try {
        const ran = await Promise.all(running);
        return { append: ran.map(({ hash }) => hash!), askedMs: Math.max(...ran.map(({ askedMs }) => askedMs)) };
      } catch (error) {
        scope.cancel();
        await Promise.allSettled(running);
        throw error;
      }
    }),
  );
}

/**
 * The batches of one level of a map or its reduction, some at once.
 *
 * Invariants:
 * 1. A batch is begun in the order of its number, and only when all before it have begun: `next` and `totals` say it all.
 * 2. Of a map that keeps what completed, the deadline ends the batches and is no failure: those that have not ended are closed with
 *    what the ledger knows of their items.
 * 3. Items that need workflow code (agents with tools, workflows) get a child workflow each; all others stay in their batch.
 */
import { CancellationScope, executeChild, isCancellation, workflowInfo } from '@temporalio/workflow';
import { addTotals, type BatchTotals, type ItemEnd, notBegun, type RunBatchResult } from '../../core/batches.js';
import { Deadline } from '../deadline.js';
import type { AgentEnd, AgentState } from '../agent/agentLoop.js';
import { askForMore, questionOf } from '../budgetQuestions.js';
import { fail, stepFailure } from '../failure.js';
import { metered, newMeter, countRepetitions, countUsage } from '../scope.js';
import { isCancelled, startStep, timedOut, toStepError } from '../settle.js';
import { inLanes } from './inLanes.js';
import { batchActivities, contextOf, levelPath, type MapState, stepOf } from './mapState.js';

const batchesPerExecution = 100;
/** Replays well inside a workflow task's second. */
const mostEvents = 1_500;

/**
 * @param tell called when a batch is done
 * @returns the state after as many batches as one history should hold
 * @throws ApplicationFailure of an item, naming it; `Pattern.TooFew`
 */
export async function runLevel(before: MapState, tell: (state: MapState) => void): Promise<MapState> {
  let { next, totals } = before;
  const limit = Math.min(before.batches, next + batchesPerExecution);
  const take = (): number | undefined => {
    if (next >= limit || (next > before.next && workflowInfo().historyLength > mostEvents)) return undefined;
    return next++;
  };
  const inTime = await beforeDeadline(before, () =>
    inLanes(before.concurrency, take, async (batch) => {
      const ran = await runBatch(before, batch);
      totals = addTotals(totals, ran);
      const { items, minimum, level, path } = before;
      if (level === 0 && items - totals.failed < minimum) {
        const told = totals.failures
          .slice(0, 5)
          .map(({ item, error }) => `item ${item}: ${error.type}: ${error.message}`);
        const few = `${items - totals.failed} of at least ${minimum} items can complete\n${told.join('\n')}`;
        throw fail('Pattern.TooFew', `${path}: ${few}`, path);
      }
      tell({ ...before, next, totals });
    }),
  );
  if (inTime) return { ...before, next, totals };
  return { ...before, next: before.batches, totals: await closeBatches(before) };
}

/** @returns false when it was ended by the deadline; then nothing of it runs any more */
async function beforeDeadline(state: MapState, body: () => Promise<void>): Promise<boolean> {
  if (!endsWithWhatCompleted(state)) {
    await body();
    return true;
  }
  const step = startStep(levelPath(state), body, { timeout: Deadline.at(state.deadlineMs).leftMs });
  const result = await step.result;
  if (result.status === 'completed') return true;
  const thrown = step.thrown();
  if (thrown) throw thrown;
  return false;
}

function endsWithWhatCompleted({ level, reduceDeadlineMs }: MapState): boolean {
  return level === 0 && reduceDeadlineMs !== undefined;
}

async function closeBatches(state: MapState): Promise<BatchTotals> {
  const path = levelPath(state);
  const request = { path, step: stepOf(state), ctx: contextOf(state) };
  try {
    return await batchActivities(`${path}/close`, state.reduceDeadlineMs ?? state.deadlineMs).closeBatches(request);
  } catch (error) {
    throw stepFailure(error, path, 'Step.DeadlineExceeded');
  }
}

async function runBatch(state: MapState, batch: number): Promise<BatchTotals> {
  const path = levelPath(state);
  const step = stepOf(state);
  const request = { path, batch, ctx: contextOf(state) };
  const batchPath = `${path}/batch#${batch}`;
  try {
    if (!('workflow' in step)) {
      const { itemConcurrency } = state;
      const keepGoing = state.keepGoing && state.level === 0;
      let ran: RunBatchResult | undefined;
      let mayAsk = true;
      for (let asked = 1; ran === undefined; asked += 1) {
        try {
          ran = await batchActivities(batchPath, state.deadlineMs).runBatch({
            ...request,
            step,
            itemConcurrency,
            keepGoing,
            ...(!mayAsk && { ask: false }),
          });
        } catch (error) {
          const question = questionOf(error);
          if (!question) throw error;
          // Once a person has answered, the batch goes on where it stopped; without more, its items fail.
          const at = `${batchPath}/approval/budget#${asked}`;
          const refused = await askForMore(at, question, { ctx: request.ctx, latestMs: state.deadlineMs });
          mayAsk = refused === undefined;
        }
      }
      if (!('unbatched' in ran)) return ran;
    }
    return await runItems(state, batch);
  } catch (error) {
    throw stepFailure(error, batchPath, 'Step.DeadlineExceeded');
  }
}

/** Each item in a child workflow of its own. */
async function runItems(state: MapState, batch: number): Promise<BatchTotals> {
  const path = levelPath(state);
  const request = { path, batch, ctx: contextOf(state) };
  const batchPath = `${path}/batch#${batch}`;
  const { items, first } = await batchActivities(`${batchPath}/items`, state.deadlineMs).readItems(request);
  const ends: ItemEnd[] = [];
  const meter = newMeter();
  let next = 0;
  const take = (): number | undefined => (next < items.length ? next++ : undefined);
  const run = () =>
    inLanes(Math.min(state.itemConcurrency, items.length), take, async (index) => {
      const itemPath = `${path}/item#${first + index}`;
      try {
        ends[index] = [(await runItem(state, itemPath, items[index])) ?? null];
      } catch (error) {
        // A child that somebody else has cancelled is a failed item.
        if (isCancellation(error) && isCancelled(CancellationScope.current())) {
          ends[index] = timedOut(itemPath);
          throw error;
        }
        const failure = stepFailure(error, itemPath, 'Step.DeadlineExceeded');
        if (!state.keepGoing || state.level > 0) throw failure;
        ends[index] = toStepError(failure);
      }
    });
  const record = (): Promise<BatchTotals> => {
    const { inputTokens, outputTokens, costPicoUsd, repetitions } = meter;
    return batchActivities(`${batchPath}/outputs`, state.deadlineMs).recordBatch({
      ...request,
      ends: items.map((_, index) => ends[index] ?? notBegun),
      usage: [inputTokens, outputTokens, String(costPicoUsd)],
      repetitions,
    });
  };
  try {
    await metered(meter, run);
  } catch (error) {
    // The ledger knows nothing of the items' children.
    const late = endsWithWhatCompleted(state) && Deadline.at(state.deadlineMs).leftMs === 0;
    if (isCancellation(error) && late) await CancellationScope.nonCancellable(record);
    throw error;
  }
  return record();
}

async function runItem(state: MapState, path: string, input: unknown): Promise<unknown> {
  const step = stepOf(state);
  const { deadlineMs, run, predecessor } = state;
  const workflowExecutionTimeout = Deadline.at(deadlineMs).leftMs + 60_000;
  if ('workflow' in step) return executeChild(step.workflow, { args: [input], workflowExecutionTimeout });
  if (!('agent' in step)) throw new Error('a tool needs no workflow');
  const { agent, options, maxTurns } = step;
  const call: AgentState = {
    ...{ version: 1, agent, path, deadlineMs, run, turns: 0, repairs: 0, input: input ?? null },
    ...(predecessor !== undefined && { predecessor }),
    ...(options && { options }),
    ...(maxTurns !== undefined && { maxTurns }),
  };
  const { output, used } = await executeChild<(state: AgentState) => Promise<AgentEnd>>('runAgent', {
    args: [call],
    workflowExecutionTimeout,
  });
  countUsage(used.usage);
  countRepetitions(used.repetitions);
  return output;
}

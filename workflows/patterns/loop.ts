import {
  allHandlersFinished,
  CancellationScope,
  CancelledFailure,
  condition,
  makeContinueAsNewFunc,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import { memoKey, type RunMemo } from '../../core/contracts.js';
import { quickStepsRun } from '../agent/quickSlots.js';
import { Deadline, type Duration } from '../deadline.js';
import { carriedEvents } from '../eventInbox.js';
import { fail } from '../failure.js';
import { nextPath, withinBranch } from '../scope.js';

export interface LoopOptions {
  /** Wait between two rounds. Default: none. */
  delay?: Duration;
  /** Rounds at most, over all executions. Default 10,000. */
  maxRounds?: number;
}

/** Replays well inside a workflow task's second, quick steps at 3 ms each included (docs/durability.md, Limits). */
const mostEvents = 300;
/**
 * The server refuses to end an execution for which a signal came while its last workflow task ran, and quick steps make that a long
 * one. So far the history grows only when that has happened: then the end gets a short workflow task of its own.
 */
const refusedEvents = 2 * mostEvents;
const mostHistoryBytes = 4_000_000;
const mostStateBytes = 1_000_000;

/**
 * Rounds without an end in sight, with a history that stays small: between two rounds the run goes on in a new execution when the
 * history has grown. `state` is all that goes with it. Change it in place, in the body and in message handlers: nothing else of the
 * workflow's memory is kept, and the workflow starts from its first line, with the state as its input:
 *
 * `export const watch = (state: State) => loop(state, async () => { …; if (state.seen > 9) return { done: state.seen }; });`
 *
 * @param state plain JSON, at most 1 MB, with a `version` if it outlives a deploy
 * @param body one round; ends the loop by returning `{ done: result }`
 * @throws ApplicationFailure `Pattern.RoundLimit`; `Pattern.InvalidSteps` when it is not the workflow's own, only loop, or its state
 *   is no JSON
 */
export async function loop<State extends object, Result>(
  state: State,
  body: (state: State, round: number) => Promise<{ done: Result } | undefined | void>,
  { delay = 0, maxRounds = 10_000 }: LoopOptions = {},
): Promise<Result> {
  const path = nextPath('loop');
  if (path !== 'loop#1') {
    throw fail('Pattern.InvalidSteps', `${path}: a loop stands alone in its workflow; give this one a child workflow`);
  }
  if (!Number.isInteger(maxRounds) || maxRounds < 1) {
    throw fail('Pattern.InvalidSteps', `loop: maxRounds: ${maxRounds} is no positive number`);
  }
  const { memo, ...info } = workflowInfo();
  const run = memo?.[memoKey] as RunMemo | undefined;
  const before = run?.loop?.rounds ?? 0;
  checkState(state);
  for (let round = before + 1; round <= maxRounds; round += 1) {
    const ended = await withinBranch(path, `round#${round}`, () => body(state, round));
    if (ended) return ended.done;
    checkState(state);
    if (delay !== 0) await sleep(Deadline.after(delay).leftMs);
    if (round === maxRounds || !historyHasGrown()) continue;
    // A handler that takes longer than this goes on through another round.
    if (!atRest() && !(await condition(atRest, '10s'))) continue;
    if (workflowInfo().historyLength > refusedEvents) {
      await sleep(1);
      if (!atRest()) continue;
    }
    // The next execution would not know of it.
    if (CancellationScope.current().consideredCancelled) throw new CancelledFailure('the loop was cancelled');
    checkState(state);
    const { events: _, ...kept } = run ?? {};
    const events = carriedEvents();
    const segno: RunMemo = { ...kept, loop: { rounds: round }, ...(events && { events }) };
    await makeContinueAsNewFunc({ workflowType: info.workflowType, memo: { ...memo, [memoKey]: segno } })(state);
  }
  throw fail('Pattern.RoundLimit', `${path} was not done after ${maxRounds} rounds`, path);
}

/** What a handler still does would be lost, and so would a signal that comes while the workflow waits to end. */
function atRest(): boolean {
  return allHandlersFinished() && !quickStepsRun();
}

function historyHasGrown(): boolean {
  const { continueAsNewSuggested, historyLength, historySize } = workflowInfo();
  return continueAsNewSuggested || historyLength > mostEvents || historySize > mostHistoryBytes;
}

/** What does not survive JSON would be lost when the run goes on in a new execution, long after the mistake was made. */
function checkState(state: object): void {
  const lost = lostIn(state, 'state', new Set());
  if (lost !== undefined) throw fail('Pattern.InvalidSteps', `loop: ${lost}`);
  const bytes = JSON.stringify(state).length;
  if (bytes > mostStateBytes) {
    throw fail('Pattern.InvalidSteps', `loop: the state has ${bytes} characters as JSON, of at most ${mostStateBytes}`);
  }
}

/** @returns where a value is that JSON does not carry */
function lostIn(value: unknown, place: string, above: Set<object>): string | undefined {
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || value === undefined)
    return undefined;
  if (typeof value === 'number')
    return Number.isFinite(value) ? undefined : `${place} is ${value}, which JSON has no word for`;
  if (typeof value !== 'object') return `${place} is a ${typeof value}, which JSON does not carry`;
  if (above.has(value)) return `${place} refers back to what contains it`;
  const prototype = Object.getPrototypeOf(value) as object | null;
  const plain = Array.isArray(value) || prototype === null || Object.getPrototypeOf(prototype) === null;
  if (!plain) return `${place} is a ${value.constructor.name}, which JSON does not carry`;
  above.add(value);
  for (const [name, item] of Object.entries(value)) {
    const lost = lostIn(item, `${place}.${name}`, above);
    if (lost !== undefined) return lost;
  }
  above.delete(value);
  return undefined;
}

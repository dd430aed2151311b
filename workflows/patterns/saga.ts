import { isCancellation, CancellationScope, log as workflowLog } from '@temporalio/workflow';
import type { ListEffectsResult } from '../../core/contracts.js';
import type { StepError, StepResult } from '../../core/results.js';
import { type UndoableStep, undoOrder } from '../../core/undoOrder.js';
import { remoteActivities } from '../activities.js';
import { Deadline, type Duration, durationFaults } from '../deadline.js';
import { fail, withLines } from '../failure.js';
import { endProgress, showProgress } from '../progress.js';
import { runContext } from '../runContext.js';
import { type RegisteredUndo, SagaLog } from '../sagaLog.js';
import { anew, branchPath, currentPath, inSaga, nextPath, sagasAround } from '../scope.js';
import { failureOf, notNeeded, skipped, startStep, toStepError } from '../settle.js';
import { compensate, type Done, notTakenBack } from './compensate.js';

export interface SagaOptions {
  /** Limit of the body. Default: none. */
  timeout?: Duration;
  /** Limit of going back, all tries included. Default 1 hour. */
  rollbackTimeout?: Duration;
}

/**
 * Register a way back from what the body has just done, to be taken when the body fails.
 *
 * @param name what to call it by
 */
export type Undo = (name: string, fn: () => Promise<unknown>) => void;

/** Tries of what `undo` has registered; a tool's own `compensate` is tried as its tool is. */
const undoAttempts = 3;
/** The grace of a tool that does not listen, and two visits to the ledger. */
const attemptMarginMs = 5_000;
const longestUndoMs = 15 * 60_000;

/**
 * All or nothing: `await saga(async (undo) => { … })`. When the body fails or is cancelled, what it has done is undone, the last
 * first: by the `compensate` of the tools that it and its agents have called, and by what it has registered with `undo`.
 *
 * @throws ApplicationFailure what the body throws, with a line in its message for each effect that could not be undone
 */
export async function saga<Output>(body: (undo: Undo) => Promise<Output>, options: SagaOptions = {}): Promise<Output> {
  const { timeout, rollbackTimeout = '1h' } = options;
  const faults = durationFaults({ timeout, rollbackTimeout });
  if (faults.length > 0) throw fail('Pattern.InvalidSteps', `saga: ${faults.join('; ')}`);
  const path = nextPath('saga');
  const log = new SagaLog(path);
  const running = startStep(path, () => inSaga(log, () => body(register)), { timeout });
  showProgress(path, { pattern: 'saga', counts: {}, steps: { body: 'running' } });
  /** Once, also when the run is cancelled after the body has failed. */
  let backAgain: Promise<string[]> | undefined;
  const goBack = (): Promise<string[]> => {
    running.cancel(notNeeded);
    return (backAgain ??= CancellationScope.nonCancellable(() => anew(() => rollBack(log, rollbackTimeout))));
  };
  try {
    const result = await running.result;
    if (result.status === 'completed') return result.output;
    throw withLines(running.thrown() ?? failureOf(result), await goBack());
  } catch (error) {
    if (isCancellation(error)) await goBack();
    throw error;
  } finally {
    endProgress(path);
  }
}

function register(name: string, fn: () => Promise<unknown>): void {
  const logs = sagasAround();
  const innermost = logs.at(-1);
  if (!innermost || typeof name !== 'string' || name === '') {
    const what = innermost ? 'undo needs a name' : 'undo was called outside of its saga';
    throw fail('Pattern.InvalidSteps', `saga: ${what}`);
  }
  const place = currentPath();
  const note: RegisteredUndo = {
    ...{ at: innermost.nameOf(place, name), place, run: fn, spent: false },
    covers: innermost.sinceLastUndo(place),
  };
  for (const { notes } of logs) notes.push(note);
}

/** @returns a line for each effect that was not undone */
async function rollBack(log: SagaLog, timeout: Duration): Promise<string[]> {
  const { path } = log;
  await log.ended();
  const deadline = Deadline.after(timeout);
  const { effects, lost } = await effectsOf(path, deadline);
  const unspent = log.notes.filter((note) => typeof note === 'string' || !note.spent);
  const order = undoOrder(effects.undoable, unspent);
  showProgress(path, { pattern: 'saga', counts: { 'to undo': order.length } });
  const below = (step: string): string => step.slice(path.length + 1);
  // `compensate` goes through them from the end.
  const done = order.reverse().map((undo): Done => {
    if ('tool' in undo) {
      return { at: below(undo.path), output: undefined, compensate: () => undoTool(undo, deadline), attempts: 1 };
    }
    return { at: undo.at, output: undefined, compensate: () => takeBack(undo, deadline) };
  });
  const untried: Record<string, StepResult> = {
    ...Object.fromEntries(effects.unknown.map((step) => [below(step), skipped(unknownOutcome)])),
    ...(lost && { effects: skipped(lost) }),
  };
  for (const fault of notTakenBack(untried)) workflowLog.error(`${path}: ${fault}`);
  return notTakenBack({ ...(await compensate(path, done, undoAttempts, deadline)), ...untried });
}

const unknownOutcome: StepError = {
  type: 'Tool.OutcomeUnknown',
  message: 'nobody knows whether it took effect (segno resolve)',
};

/** What the ledger knows, also of what this workflow has not seen the end of. */
async function effectsOf(
  path: string,
  deadline: Deadline,
): Promise<{ effects: ListEffectsResult; lost?: StepError | undefined }> {
  try {
    const ctx = runContext();
    const at = branchPath(path, 'effects');
    const effects = await activitiesAt(at, deadline).listEffects({ path, ...(ctx && { ctx }) });
    const more: StepError = {
      type: 'Pattern.InvalidSteps',
      message: 'a saga undoes at most 1,000 effects; see segno effects',
    };
    return { effects, ...(effects.more && { lost: more }) };
  } catch (error) {
    return { effects: { undoable: [], unknown: [] }, lost: toStepError(error) };
  }
}

/** Where it runs is the path of its step: the same at every try. */
async function undoTool({ tool, path: undoes }: UndoableStep, deadline: Deadline): Promise<void> {
  const path = currentPath();
  const ctx = runContext();
  await activitiesAt(path, deadline).undoTool({ tool, path, undoes, ...(ctx && { ctx }) });
}

async function takeBack(undo: RegisteredUndo, deadline: Deadline): Promise<void> {
  await undo.run();
  undo.spent = true;
  if (undo.covers.length === 0) return;
  const by = currentPath();
  const ctx = runContext();
  await activitiesAt(branchPath(by, 'undone'), deadline).markUndone({ paths: undo.covers, by, ...(ctx && { ctx }) });
}

function activitiesAt(path: string, { leftMs }: Deadline): ReturnType<typeof remoteActivities> {
  const startToCloseTimeout = Math.max(1, Math.min(longestUndoMs + attemptMarginMs, leftMs));
  return remoteActivities(path, { startToCloseTimeout, scheduleToCloseTimeout: Math.max(1, leftMs) });
}

import { log, patched } from '@temporalio/workflow';
import type { StepResult } from '../../core/results.js';
import { remoteActivities } from '../activities.js';
import type { Deadline } from '../deadline.js';
import { runContext } from '../runContext.js';
import { anew, branchPath, currentPath } from '../scope.js';
import { settle, skipped, timedOut } from '../settle.js';

const endsAtUnknown = 'compensations-end-at-unknown-outcomes';
const marksUndone = 'sequences-mark-what-they-take-back';
const markTimeoutMs = 30_000;

/** What has been done, and where. */
export interface Done {
  at: string;
  output: unknown;
  compensate: ((output: unknown) => Promise<unknown>) | undefined;
  /** Tries, instead of those of the others. */
  attempts?: number;
}

/**
 * Take back what the pattern at `path` has done: the last first, each tried a few times. One that fails for good does not keep the
 * others from running; it is told and logged.
 *
 * @param deadline of all together. Default: none
 * @returns what became of each compensation, by where its step stood
 */
export async function compensate(
  path: string,
  done: readonly Done[],
  attempts: number,
  deadline?: Deadline,
): Promise<Record<string, StepResult>> {
  const results: Record<string, StepResult> = {};
  for (const { at, output, compensate: undo, attempts: own = attempts } of [...done].reverse()) {
    if (!undo) continue;
    for (let attempt = 1; attempt <= own; attempt += 1) {
      const place = branchPath(branchPath(path, 'rollback'), attempt === 1 ? at : `${at} retry#${attempt - 1}`);
      if (deadline?.leftMs === 0) {
        results[at] ??= skipped(timedOut(place));
        break;
      }
      const result = await settle(place, () => undo(output), { timeout: deadline?.leftMs });
      results[at] = { ...result, attempts: result.attempts + attempt - 1 };
      if (result.status === 'completed') break;
      // It may have taken effect: another try would be another effect.
      if (result.error.type === 'Tool.OutcomeUnknown' && patched(endsAtUnknown)) break;
    }
  }
  for (const fault of notTakenBack(results)) log.error(`${path}: ${fault}`);
  return results;
}

/**
 * Compensate anew, also in a retry of the run, and mark what was taken back: the retry does it anew as well.
 *
 * @returns what became of each compensation, by where its step stood
 */
export function compensateAndMark(
  path: string,
  done: readonly Done[],
  attempts: number,
): Promise<Record<string, StepResult>> {
  if (done.every((step) => !step.compensate) || !patched(marksUndone)) return compensate(path, done, attempts);
  const marking = done.map(({ at, output, compensate: undo }): Done => {
    const undoAndMark = async (): Promise<void> => {
      await undo?.(output);
      await markUndoneBelow(branchPath(path, at));
    };
    return { at, output, compensate: undo && undoAndMark };
  });
  return anew(() => compensate(path, marking, attempts));
}

async function markUndoneBelow(below: string): Promise<void> {
  const by = currentPath();
  const ctx = runContext();
  const activities = remoteActivities(branchPath(by, 'undone'), { startToCloseTimeout: markTimeoutMs });
  await activities.markUndone({ paths: [], below, by, ...(ctx && { ctx }) });
}

/** A line for each step whose compensation failed. */
export function notTakenBack(compensations: Readonly<Record<string, StepResult>>): string[] {
  return Object.entries(compensations).flatMap(([at, result]) =>
    result.status === 'completed' ? [] : [`${at} was not taken back: ${result.error.type}: ${result.error.message}`],
  );
}

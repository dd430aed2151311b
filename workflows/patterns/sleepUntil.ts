import { sleep } from '@temporalio/workflow';
import { latestMomentMs, momentForm, momentMs } from '../../core/moment.js';
import { fail } from '../failure.js';
import { endProgress, showProgress } from '../progress.js';
import { nextPath } from '../scope.js';

/** Of one timer. */
const longestSleepMs = 365 * 24 * 3_600_000;

/**
 * Wait until a moment; one that is over returns at once. It costs no worker anything.
 *
 * @param moment a Date, or ISO 8601 with a zone; a date alone is its first moment in UTC
 * @throws ApplicationFailure `Pattern.InvalidSteps` for what is no moment, or none before the year 3000
 */
export async function sleepUntil(moment: Date | string): Promise<void> {
  const atMs = momentMs(moment);
  if (atMs === undefined || atMs >= latestMomentMs)
    throw fail('Pattern.InvalidSteps', `sleepUntil: ${String(moment)} is no moment before 3000, as ${momentForm} is`);
  const path = nextPath('sleepUntil');
  if (atMs <= Date.now()) return;
  showProgress(path, { pattern: 'sleepUntil', counts: {}, waitsFor: new Date(atMs).toISOString() });
  try {
    for (let leftMs = atMs - Date.now(); leftMs > 0; leftMs = atMs - Date.now())
      await sleep(Math.min(leftMs, longestSleepMs));
  } finally {
    endProgress(path);
  }
}

/**
 * Admits quick steps so that the workflow task they run in is always answered in time.
 *
 * A workflow task has to be answered within a second, and all that was done in it is written down with the answer. With too
 * many quick steps in it the answer comes too late: the task times out, the whole history is replayed, and a run with fifty
 * quick steps at once never gets on. Signals and cancellation, too, wait for the end of the task. So every so often a step
 * runs alone, as a remote activity: that is what ends a task (a timer would, too, but fires up to a second late).
 *
 * Invariants:
 * 1. Who waits, and who goes remote, depends on the order of the calls alone, which replay repeats.
 * 2. Every waiting step gets its turn, also one whose scope was cancelled in the meantime: it fails by itself then.
 * 3. A workflow does not end while a quick step of it runs: the SDK cannot replay a history that has the step's end in it.
 */
import { condition } from '@temporalio/workflow';

type Way = 'quick' | 'remote';

/** More at once gain nothing: quick steps share the worker's one thread. */
const maxInFlight = 8;
const maxInOneTask = 50;

let inFlight = 0;
let inThisTask = 0;
let endingTask = false;
let workflowEnded = false;
const waiting: ((way: Way) => void)[] = [];

/** Run a step when its turn has come; `remote` when it is the one to end the workflow task. */
export async function inQuickSlot<T>(step: Readonly<Record<Way, () => Promise<T>>>): Promise<T> {
  const way = admit() ?? (await new Promise<Way>((resolve) => waiting.push(resolve)));
  try {
    return await step[way]();
  } finally {
    leave(way);
  }
}

/** What the workflow left behind when it ended; steps of it that still wait for their turn never get it. */
export async function quickStepsEnd(): Promise<void> {
  workflowEnded = true;
  await condition(() => !quickStepsRun());
}

export function quickStepsRun(): boolean {
  return inFlight > 0;
}

function admit(): Way | undefined {
  if (workflowEnded || endingTask || inFlight >= maxInFlight) return undefined;
  if (inThisTask < maxInOneTask) {
    inFlight += 1;
    inThisTask += 1;
    return 'quick';
  }
  if (inFlight > 0) return undefined;
  endingTask = true;
  return 'remote';
}

function leave(way: Way): void {
  if (way === 'quick') inFlight -= 1;
  else {
    endingTask = false;
    inThisTask = 0;
  }
  for (let admitted = waiting.length > 0 && admit(); admitted; admitted = waiting.length > 0 && admit()) {
    waiting.shift()!(admitted);
  }
}

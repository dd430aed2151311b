/**
 * When steps waited for a person to raise their budget: that time is not counted by the limits of the steps and patterns they
 * stand in.
 *
 * Invariant: without a pause nothing here leaves a trace in history.
 */
import { condition } from '@temporalio/workflow';

interface Pause {
  /** Of the step that waits. */
  readonly path: string;
  readonly fromMs: number;
  toMs: number | undefined;
}

const pauses: Pause[] = [];

/** Run `body` as a pause of the step at `path` and of all around it. */
export async function paused<T>(path: string, body: () => Promise<T>): Promise<T> {
  const pause: Pause = { path, fromMs: Date.now(), toMs: undefined };
  pauses.push(pause);
  try {
    return await body();
  } finally {
    pause.toMs = Date.now();
  }
}

/** Milliseconds since `sinceMs` in which something in the place `path` was paused; what overlaps counts once. */
export function pausedMs(path: string, sinceMs: number): number {
  let sumMs = 0;
  let countedToMs = sinceMs;
  for (const { fromMs, toMs = Date.now() } of within(path).sort((a, b) => a.fromMs - b.fromMs)) {
    sumMs += Math.max(0, toMs - Math.max(fromMs, countedToMs));
    countedToMs = Math.max(countedToMs, toMs);
  }
  return sumMs;
}

export function isPaused(path: string): boolean {
  return within(path).some(({ toMs }) => toMs === undefined);
}

/** Resolves when nothing in the place `path` is paused. */
export async function pausesEnd(path: string): Promise<void> {
  await condition(() => !isPaused(path));
}

function within(path: string): Pause[] {
  return pauses.filter((pause) => pause.path === path || pause.path.startsWith(`${path}/`));
}

import { msToNumber } from '@temporalio/common/lib/time.js';
import { fail } from './failure.js';
import { pausedMs } from './pauses.js';

type Unit = 'ms' | 's' | 'm' | 'h' | 'd' | 'w' | LongUnit | `${LongUnit}s`;
type LongUnit = 'second' | 'minute' | 'hour' | 'day' | 'week';

/**
 * Milliseconds, or text such as `30s`, `2m`, `1 hour`. Temporal's own type stands for `any` in ES modules: it comes from a
 * package that hides its types from them.
 */
export type Duration = number | `${number}${Unit}` | `${number} ${Unit}`;

/** A moment on the workflow's clock after which nothing of a call may start or go on. */
export class Deadline {
  private constructor(
    private readonly ownMs: number,
    private readonly pausable?: { path: string; sinceMs: number },
  ) {}

  /**
   * @param path of a pattern or step: it comes later by the time in which that is paused
   * @throws ApplicationFailure `Pattern.InvalidSteps` for what is no duration, whatever its type says
   */
  static after(timeout: Duration, path?: string): Deadline {
    const ms = msOf(timeout);
    if (ms === undefined) throw fail('Pattern.InvalidSteps', notADuration(timeout));
    const sinceMs = Date.now();
    return new Deadline(sinceMs + ms, path === undefined ? undefined : { path, sinceMs });
  }

  static at(atMs: number): Deadline {
    return new Deadline(atMs);
  }

  get atMs(): number {
    return this.ownMs + (this.pausable ? pausedMs(this.pausable.path, this.pausable.sinceMs) : 0);
  }

  /** Milliseconds left; 0 when it has passed. */
  get leftMs(): number {
    return Math.max(0, this.atMs - Date.now());
  }
}

/** What is wrong with the durations of some options, by their names; one that is left out is none. */
export function durationFaults(durations: Readonly<Record<string, Duration | undefined>>): string[] {
  return Object.entries(durations).flatMap(([name, duration]) =>
    duration === undefined || msOf(duration) !== undefined ? [] : [`${name}: ${notADuration(duration)}`],
  );
}

const longestWaitMs = 10 * 365 * 24 * 3_600_000;

/** What is wrong with how long to wait for somebody outside. */
export function waitFaults(timeout: Duration, { leftMs }: Deadline): string[] {
  return leftMs > 0 && leftMs <= longestWaitMs ? [] : [`timeout: ${timeout} is not between now and ten years from now`];
}

function notADuration(duration: unknown): string {
  return `${String(duration)} is no duration such as 500, "30s" or "2 minutes"`;
}

function msOf(duration: Duration): number | undefined {
  try {
    const ms = msToNumber(duration);
    return Number.isFinite(ms) ? ms : undefined;
  } catch {
    return undefined;
  }
}

import { msToNumber } from '@temporalio/common/lib/time.js';

type Unit = 'ms' | 's' | 'm' | 'h' | 'd' | 'w' | LongUnit | `${LongUnit}s`;
type LongUnit = 'second' | 'minute' | 'hour' | 'day' | 'week';

/**
 * Milliseconds, or text such as `30s`, `2m`, `1 hour`. Temporal's own type stands for `any` in ES modules: it comes from a
 * package that hides its types from them.
 */
export type Duration = number | `${number}${Unit}` | `${number} ${Unit}`;

/** A moment on the workflow's clock after which nothing of a call may start or go on. */
export class Deadline {
  private constructor(readonly atMs: number) {}

  static after(timeout: Duration): Deadline {
    return new Deadline(Date.now() + msToNumber(timeout));
  }

  static at(atMs: number): Deadline {
    return new Deadline(atMs);
  }

  /** Milliseconds left; 0 when it has passed. */
  get leftMs(): number {
    return Math.max(0, this.atMs - Date.now());
  }
}

import { msToNumber } from '@temporalio/common/lib/time.js';
import type { Duration } from '@temporalio/common';

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

import { setImmediate } from 'node:timers/promises';
import { SegnoError } from '../core/errors.js';

/** Of one statement. More gain little; what a kill cuts off before it is written is done again. */
const largestGroup = 100;

export interface GroupCommitOptions<Entry> {
  /** Default 100. */
  readonly largest?: number;
  /** Two entries of one key never stand in one group. Default: no two have the same. */
  readonly keyOf?: (entry: Entry) => string;
}

interface Waiting<Entry, Answer> {
  readonly entry: Entry;
  resolve(answer: Answer): void;
  reject(reason: Error): void;
}

/**
 * One write for all that has come while the write before was under way, as a database's log does it.
 *
 * A group that fails is written again entry by entry, so that what cannot be written fails alone; where the database cannot be used,
 * all fail at once.
 */
export class GroupCommit<Entry, Answer> {
  private waiting: Waiting<Entry, Answer>[] = [];
  private writing = false;
  private readonly largest: number;

  /** @param write answers in the order of what it is given */
  constructor(
    private readonly write: (entries: readonly Entry[]) => Promise<readonly Answer[]>,
    private readonly options: GroupCommitOptions<Entry> = {},
  ) {
    this.largest = options.largest ?? largestGroup;
  }

  /** Whether who adds more than it must should wait first. */
  get full(): boolean {
    return this.waiting.length >= this.largest;
  }

  add(entry: Entry): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ entry, resolve, reject });
      if (!this.writing) void this.writeAll();
    });
  }

  private async writeAll(): Promise<void> {
    this.writing = true;
    while (this.waiting.length > 0) {
      // What others add in the same turn of the event loop goes along.
      await setImmediate();
      await this.writeGroup(this.nextGroup());
    }
    this.writing = false;
  }

  private nextGroup(): readonly Waiting<Entry, Answer>[] {
    const { keyOf } = this.options;
    const group: Waiting<Entry, Answer>[] = [];
    const later: Waiting<Entry, Answer>[] = [];
    const keys = new Set<string>();
    for (const one of this.waiting) {
      const key = keyOf?.(one.entry);
      if (group.length >= this.largest || (key !== undefined && keys.has(key))) later.push(one);
      else {
        group.push(one);
        if (key !== undefined) keys.add(key);
      }
    }
    this.waiting = later;
    return group;
  }

  private async writeGroup(group: readonly Waiting<Entry, Answer>[]): Promise<void> {
    try {
      const answers = await this.write(group.map(({ entry }) => entry));
      group.forEach(({ resolve }, index) => resolve(answers[index]!));
    } catch (error) {
      if (group.length > 1 && !isUnavailable(error)) {
        for (const one of group) await this.writeGroup([one]);
        return;
      }
      const reason = error instanceof Error ? error : new Error(String(error));
      for (const { reject } of group) reject(reason);
    }
  }
}

function isUnavailable(error: unknown): boolean {
  return error instanceof SegnoError && error.type === 'Ledger.Unavailable';
}

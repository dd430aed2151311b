import { setImmediate } from 'node:timers/promises';

/** Of one statement. More gain little; what a kill cuts off before it is written is done again. */
export const largestGroup = 100;

/**
 * One write for all that has come while the write before was under way, as a database's log does it.
 *
 * @param write answers in the order of what it is given
 */
export class GroupCommit<Entry, Answer> {
  private readonly waiting: { entry: Entry; resolve: (answer: Answer) => void; reject: (reason: Error) => void }[] = [];
  private writing = false;

  constructor(private readonly write: (entries: readonly Entry[]) => Promise<readonly Answer[]>) {}

  /** Whether who adds more than it must should wait first. */
  get full(): boolean {
    return this.waiting.length >= largestGroup;
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
      const group = this.waiting.splice(0, largestGroup);
      try {
        const answers = await this.write(group.map(({ entry }) => entry));
        group.forEach(({ resolve }, index) => resolve(answers[index]!));
      } catch (error) {
        const reason = error instanceof Error ? error : new Error(String(error));
        for (const { reject } of group) reject(reason);
      }
    }
    this.writing = false;
  }
}

/** What has happened in the body of a saga, in its order. */

/** A way back that the body has registered. */
export interface RegisteredUndo {
  /** Its name in the rollback. */
  at: string;
  /** Where it was registered. */
  place: string;
  run: () => Promise<unknown>;
  /** Paths of the steps it takes back: those of its place since the last way back registered there. */
  covers: readonly string[];
  /** A saga further in has gone back by it. */
  spent: boolean;
}

/** A step that has taken effect, by its path, or a way back. */
type Note = string | RegisteredUndo;

export class SagaLog {
  readonly notes: Note[] = [];
  private readonly running = new Set<Promise<unknown>>();
  private readonly names = new Map<string, number>();

  constructor(readonly path: string) {}

  /** Wait for `running` before going back. */
  watch(running: Promise<unknown>): void {
    this.running.add(running);
    const end = (): void => void this.running.delete(running);
    running.then(end, end);
  }

  async ended(): Promise<void> {
    while (this.running.size > 0) await Promise.allSettled(this.running);
  }

  /** Where it is undone: `name`, after the place it stands in below the saga; numbered when it occurs again. */
  nameOf(place: string, name: string): string {
    const below = place.slice(this.path.length + 1);
    const at = below === '' ? name : `${below}/${name}`;
    const count = (this.names.get(at) ?? 0) + 1;
    this.names.set(at, count);
    return count === 1 ? at : `${at}#${count}`;
  }

  /** Steps noted in `place` since the last way back that was registered there. */
  sinceLastUndo(place: string): string[] {
    const inside = (path: string): boolean => path.startsWith(`${place}/`);
    const last = this.notes.findLastIndex(
      (note) => typeof note !== 'string' && (note.place === place || inside(note.place)),
    );
    return this.notes.slice(last + 1).filter((note): note is string => typeof note === 'string' && inside(note));
  }
}

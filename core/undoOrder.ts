/** An effect that its tool can take back. */
export interface UndoableStep {
  path: string;
  tool: string;
}

/**
 * In which order a saga goes back: the last first. What the workflow has seen happen goes by when it saw it; what it has not (steps of
 * a workflow of an agent's own, items of a batched map, what ended as it was cancelled) comes before that, the last first.
 *
 * @param steps the last to end first
 * @param notes paths of steps, and ways back of the workflow's own, as they happened
 */
export function undoOrder<Undo extends object>(
  steps: readonly UndoableStep[],
  notes: readonly (string | Undo)[],
): (UndoableStep | Undo)[] {
  const byPath = new Map(steps.map((step) => [step.path, step]));
  const seen = new Set(notes.filter((note) => typeof note === 'string'));
  const noted = notes.flatMap((note) => {
    const found = typeof note === 'string' ? byPath.get(note) : note;
    return found ? [found] : [];
  });
  return [...steps.filter(({ path }) => !seen.has(path)), ...noted.reverse()];
}

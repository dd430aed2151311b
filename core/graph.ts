/**
 * Steps that come after each other, as plain data: what is wrong with such a graph, and its shape.
 *
 * Invariants:
 * 1. The work is linear in steps and edges, and no recursion: ten thousand steps in a row are as cheap as any.
 * 2. Order comes from the order of the steps given, never from that of a map's keys.
 */
export interface GraphStep {
  readonly name: string;
  /** Names of the steps it comes after. */
  readonly after: readonly string[];
}

export interface GraphFault {
  /** Index of the step. */
  step: number;
  /** Index in its `after`; absent when the fault is the step itself. */
  after?: number;
  message: string;
}

/** Steps, how many follow each other at most, and how many could run at once at most when all take equally long. */
export interface GraphShape {
  steps: number;
  depth: number;
  width: number;
}

const toldInCycle = 10;
const toldCycles = 10;

/** Duplicate names, names of no step, and cycles (the first ten) with the steps they go through. */
export function graphFaults(steps: readonly GraphStep[]): GraphFault[] {
  const indexes = new Map<string, number>();
  const faults: GraphFault[] = [];
  steps.forEach(({ name }, index) => {
    const first = indexes.get(name);
    if (first === undefined) indexes.set(name, index);
    else faults.push({ step: index, message: `${name} is the name of step ${first} already` });
  });
  steps.forEach(({ after }, step) => {
    after.forEach((name, position) => {
      if (!indexes.has(name)) faults.push({ step, after: position, message: `there is no step ${name}` });
    });
  });
  return [...faults, ...cycles(steps, indexes)];
}

/** @param steps without faults */
export function shapeOf(steps: readonly GraphStep[]): GraphShape {
  const levels = new Map<string, number>();
  const widths: number[] = [];
  for (const { name, after } of inOrder(steps)) {
    const level = Math.max(0, ...after.map((before) => levels.get(before)! + 1));
    levels.set(name, level);
    widths[level] = (widths[level] ?? 0) + 1;
  }
  return { steps: steps.length, depth: widths.length, width: Math.max(0, ...widths) };
}

/** Every step behind those it comes after; steps of a cycle, and what comes after them, are left out. */
export function inOrder<Step extends GraphStep>(steps: readonly Step[]): Step[] {
  const dependents = dependentsOf(steps);
  const missing = steps.map(({ after }) => new Set(after).size);
  const ordered = steps.filter((_, index) => missing[index] === 0);
  for (let next = 0; next < ordered.length; next += 1) {
    for (const index of dependents.get(ordered[next]!.name) ?? []) {
      missing[index]! -= 1;
      if (missing[index] === 0) ordered.push(steps[index]!);
    }
  }
  return ordered;
}

/** Name → indexes of the steps that come after it, each once. */
export function dependentsOf(steps: readonly GraphStep[]): Map<string, number[]> {
  const dependents = new Map<string, number[]>(steps.map(({ name }) => [name, []]));
  steps.forEach(({ after }, index) => {
    for (const name of new Set(after)) dependents.get(name)?.push(index);
  });
  return dependents;
}

/** Walks depth first; an edge back into the walk closes a cycle. */
function cycles(steps: readonly GraphStep[], indexes: ReadonlyMap<string, number>): GraphFault[] {
  const faults: GraphFault[] = [];
  const done = new Set<number>();
  for (let start = 0; start < steps.length && faults.length < toldCycles; start += 1) {
    const walk: { step: number; next: number }[] = [];
    const open = new Set<number>();
    const enter = (step: number): void => {
      walk.push({ step, next: 0 });
      open.add(step);
    };
    if (!done.has(start)) enter(start);
    for (let top = walk.at(-1); top && faults.length < toldCycles; top = walk.at(-1)) {
      const { after } = steps[top.step]!;
      const position = top.next++;
      const name = after[position];
      if (name === undefined) {
        walk.pop();
        open.delete(top.step);
        done.add(top.step);
        continue;
      }
      const target = indexes.get(name);
      if (target === undefined || done.has(target)) continue;
      if (!open.has(target)) {
        enter(target);
        continue;
      }
      const around = walk.slice(walk.findIndex(({ step }) => step === target)).map(({ step }) => steps[step]!.name);
      faults.push({ step: top.step, after: position, message: `a cycle: ${told([...around, name])}` });
    }
  }
  return faults;
}

function told(names: readonly string[]): string {
  if (names.length <= toldInCycle) return names.join(' → ');
  return [...names.slice(0, toldInCycle - 1), `… ${names.length - toldInCycle} more …`, names.at(-1)].join(' → ');
}

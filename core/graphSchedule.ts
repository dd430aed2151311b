/**
 * Which step of a graph may run next: the decisions of `dag`, on plain data.
 *
 * Invariants:
 * 1. A step becomes ready only when every step it comes after has ended; each step ends once, and in the end all have.
 * 2. What is ready runs in the order in which it became so, and among equals in the order of the steps given.
 */
import { dependentsOf, type GraphStep } from './graph.js';

export type StepState = 'pending' | 'ready' | 'running' | 'completed' | 'failed' | 'skipped' | 'cancelled';
export type EndState = Extract<StepState, 'completed' | 'failed' | 'skipped' | 'cancelled'>;

export interface ScheduledStep extends GraphStep {
  /** `completed`: skipped when a step it comes after did not complete. `ended`: runs all the same. Default `completed`. */
  readonly needs?: 'completed' | 'ended' | undefined;
}

/** A step that will not run, and the step because of which. */
export interface Skip {
  name: string;
  because: string;
  /** What became of that one. */
  state: EndState;
}

export class GraphSchedule {
  private readonly states: Map<string, StepState>;
  private readonly ready: string[] = [];
  private readonly dependents: Map<string, number[]>;
  private readonly missing: number[];
  private readonly numbers = new Map<StepState, number>();

  /**
   * @param steps without faults (`graphFaults`)
   * @param done steps that have completed before; what they come after does not matter
   */
  constructor(
    private readonly steps: readonly ScheduledStep[],
    done: ReadonlySet<string> = new Set(),
  ) {
    this.states = new Map(steps.map(({ name }) => [name, done.has(name) ? 'completed' : 'pending']));
    this.numbers.set('completed', [...this.states.values()].filter((state) => state === 'completed').length);
    this.numbers.set('pending', steps.length - this.numbers.get('completed')!);
    this.dependents = dependentsOf(steps);
    this.missing = steps.map(({ after }) => [...new Set(after)].filter((name) => !done.has(name)).length);
    steps.forEach(({ name }, index) => {
      if (this.missing[index] === 0 && !done.has(name)) this.makeReady(name);
    });
  }

  /** The next step to run; it is running from now on. */
  take(): string | undefined {
    const name = this.ready.shift();
    if (name !== undefined) this.set(name, 'running');
    return name;
  }

  /** Tell that a running step has ended. @returns the steps that will not run because of it, in order */
  end(name: string, state: EndState): Skip[] {
    const skips: Skip[] = [];
    const ended: { name: string; state: EndState }[] = [{ name, state }];
    this.set(name, state);
    for (const before of ended) {
      for (const index of this.dependents.get(before.name)!) {
        const step = this.steps[index]!;
        this.missing[index]! -= 1;
        if (this.states.get(step.name) !== 'pending') continue;
        if (before.state !== 'completed' && step.needs !== 'ended') {
          this.set(step.name, 'skipped');
          skips.push({ name: step.name, because: before.name, state: before.state });
          ended.push({ name: step.name, state: 'skipped' });
        } else if (this.missing[index] === 0) this.makeReady(step.name);
      }
    }
    return skips;
  }

  /** Give up what has not begun. @returns its names, in order */
  skipRest(): string[] {
    this.ready.length = 0;
    const rest = this.steps.map(({ name }) => name).filter((name) => this.isWaiting(name));
    for (const name of rest) this.set(name, 'skipped');
    return rest;
  }

  /** State → how many steps are in it. */
  counts(): Record<string, number> {
    return Object.fromEntries([...this.numbers].filter(([, number]) => number > 0));
  }

  stateOf(name: string): StepState | undefined {
    return this.states.get(name);
  }

  private isWaiting(name: string): boolean {
    const state = this.states.get(name);
    return state === 'pending' || state === 'ready';
  }

  private makeReady(name: string): void {
    this.set(name, 'ready');
    this.ready.push(name);
  }

  private set(name: string, state: StepState): void {
    const before = this.states.get(name)!;
    this.numbers.set(before, (this.numbers.get(before) ?? 0) - 1);
    this.numbers.set(state, (this.numbers.get(state) ?? 0) + 1);
    this.states.set(name, state);
  }
}

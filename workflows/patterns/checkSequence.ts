import { type Duration, durationFaults } from '../deadline.js';

/** What a decision point chooses to be at the end. */
export const end = 'end';

/** What a step sees beside the output of the step before it. */
export interface SequenceContext<Input, Outputs> {
  input: Input;
  /** Outputs of the finished steps, by name. */
  outputs: Outputs;
}

export interface SequenceStepOptions<Output> {
  /** Steps it uses by name; checked before anything runs. */
  needs?: readonly string[];
  /** Limit of this step. Default: the sequence's. */
  timeout?: Duration;
  /** Takes back what the completed step has done, when a later one fails or the run is cancelled. */
  compensate?: (output: Output) => Promise<unknown>;
}

export interface SequenceStep {
  name: string;
  run: (previous: unknown, context: SequenceContext<unknown, Record<string, unknown>>) => Promise<unknown>;
  options: SequenceStepOptions<unknown>;
  /** A decision point: its output names the step to go on with. */
  among?: readonly string[];
}

/** @returns what is wrong with a sequence, before anything runs */
export function checkSequence(
  steps: readonly SequenceStep[],
  counts: Record<'maxSteps' | 'compensationAttempts', number>,
): string[] {
  const names = steps.map(({ name }) => name);
  const reserved = ['onSuccess', 'onError', end, 'rollback'];
  return [
    ...(steps.length === 0 ? ['there are no steps'] : []),
    ...Object.entries(counts)
      .filter(([, count]) => steps.length > 0 && !(Number.isInteger(count) && count > 0))
      .map(([option, count]) => `${option}: ${count} is no positive number`),
    ...names
      .filter((name) => name === '' || reserved.includes(name) || /#\d+$/u.test(name))
      .map((name) => `"${name}" is no name for a step`),
    ...names.filter((name, index) => names.indexOf(name) < index).map((name) => `two steps are named ${name}`),
    ...steps.flatMap(({ name, options: { needs = [], timeout }, among = [] }, index) => [
      ...durationFaults({ [`${name}: timeout`]: timeout }),
      ...needs.filter((need) => !names.includes(need)).map((need) => `${name} needs ${need}, which is no step`),
      ...needs
        .filter((need) => names.includes(need) && names.indexOf(need) >= index)
        .map((need) => `${name} needs ${need}, which does not come before it`),
      ...among
        .filter((next) => next !== end && !names.includes(next))
        .map((next) => `${name} may choose ${next}, which is no step`),
    ]),
  ];
}

import { graphFaults } from '../../core/graph.js';
import type { PatternResult, StepError, StepResult } from '../../core/results.js';
import { type Duration, durationFaults } from '../deadline.js';
import { fail } from '../failure.js';
import { metered, newMeter, nextPath } from '../scope.js';
import { factsOf } from '../settle.js';
import { defaultConcurrency } from './parallel.js';
import { type GraphBody, type GraphEnd, runGraph } from './runGraph.js';
import { mostAttempts, type Retry } from './tries.js';

/** A step whose functions name the outputs they take; the compiler checks them against what the steps give. */
export interface DagStep {
  /** The steps it comes after; it gets their outputs. Default: none, so it may begin at once. */
  after?: readonly string[];
  /**
   * `completed` (default): the step is skipped when one it comes after did not complete. `ended`: it runs all the same, and gets
   * the outputs there are.
   */
  needs?: 'completed' | 'ended';
  /** Decides, when its turn has come, whether the step runs. False skips it, and what needs it. */
  when?: (outputs: never) => boolean | Promise<boolean>;
  run: (outputs: never) => Promise<unknown>;
  /** Tries of a step that fails. */
  retry?: Retry;
  /** Limit of the step, its retries included; a fallback has as long again. Default: the dag's. */
  timeout?: Duration;
  /** Runs instead when the last try has failed. */
  fallback?: (outputs: never, error: StepError) => Promise<unknown>;
}

type Steps = Readonly<Record<string, DagStep>>;
type OutputOf<S> =
  | (S extends { run: (outputs: never) => Promise<infer Output> } ? Output : never)
  | (S extends { fallback: (outputs: never, error: StepError) => Promise<infer Output> } ? Output : never);
type AfterOf<S> = S extends { after: readonly (infer Name)[] } ? Name : never;
type OutputsBefore<S, Name extends keyof S> = { readonly [Before in AfterOf<S[Name]> & keyof S]: OutputOf<S[Before]> };
type OutputsFor<S, Name extends keyof S> = S[Name] extends { needs: 'ended' }
  ? Partial<OutputsBefore<S, Name>>
  : OutputsBefore<S, Name>;
/** What `S` has to be: names that exist, and functions that take what those steps give. */
export type CheckedSteps<S> = {
  [Name in keyof S]: {
    after?: readonly Exclude<keyof S, Name>[];
    when?: (outputs: OutputsFor<S, Name>) => boolean | Promise<boolean>;
    run: (outputs: OutputsFor<S, Name>) => Promise<unknown>;
    fallback?: (outputs: OutputsFor<S, Name>, error: StepError) => Promise<unknown>;
  };
};
type HasConditions<S> = true extends { [Name in keyof S]: S[Name] extends { when: unknown } ? true : false }[keyof S]
  ? true
  : false;

/** By name; where a step has a condition, an output may be missing. */
export type DagOutputs<S> =
  HasConditions<S> extends true
    ? { [Name in keyof S]: OutputOf<S[Name]> | undefined }
    : { [Name in keyof S]: OutputOf<S[Name]> };
export type DagResult<S> = PatternResult<
  { [Name in keyof S]?: OutputOf<S[Name]> },
  { [Name in keyof S]: StepResult<OutputOf<S[Name]>> }
>;

export interface DagOptions<S = Record<string, unknown>> {
  /** `continue`: what needs a failed step is skipped, the rest goes on, and a result comes out. Default `fail`. */
  onFailure?: 'fail' | 'continue';
  /** Steps that run at once. Default 500. */
  concurrency?: number;
  /** Limit of the whole. What runs then is cancelled, what has not begun is skipped. Default: none. */
  timeout?: Duration;
  /** Outputs of steps that are not run again: kept from an earlier dag. */
  done?: { [Name in keyof S]?: unknown };
}

/**
 * Run steps that come after each other, each as soon as the steps before it have completed.
 *
 * @returns the outputs by name; with `onFailure: 'continue'` a result with every step's
 * @throws ApplicationFailure of the failed step; `Step.DeadlineExceeded`; `Pattern.InvalidSteps` for names that do not fit together,
 *   before anything has run
 */
export function dag<const S extends Steps>(
  steps: S & CheckedSteps<S>,
  options: DagOptions<S> & { onFailure: 'continue' },
): Promise<DagResult<S>>;
export function dag<const S extends Steps>(
  steps: S & CheckedSteps<S>,
  options?: DagOptions<S> & { onFailure?: 'fail' },
): Promise<DagOutputs<S>>;
export async function dag(steps: Steps, options: DagOptions = {}): Promise<unknown> {
  const { onFailure = 'fail', concurrency = defaultConcurrency, timeout, done } = options;
  const bodies = Object.entries(steps).map(([name, step]) => ({ ...step, name, after: step.after ?? [] }) as GraphBody);
  checkSteps(bodies, { concurrency, timeout, done: Object.keys(done ?? {}) });
  const path = nextPath('dag');
  const meter = newMeter();
  const startedAtMs = Date.now();
  const end = await metered(meter, () =>
    runGraph(path, bodies, { pattern: 'dag', onFailure, concurrency, timeout, done }),
  );
  if (onFailure === 'continue') return { ...endOf(end), ...factsOf(meter, startedAtMs) };
  if (end.failed) throw end.failed.thrown;
  return end.outputs;
}

function endOf({
  results,
  outputs,
  failed,
}: GraphEnd): Omit<PatternResult<unknown, unknown>, keyof ReturnType<typeof factsOf>> {
  const status = !failed ? 'completed' : Object.keys(outputs).length > 0 ? 'partial' : 'failed';
  return { status, output: outputs, steps: results, ...(failed && { error: failed.error, failedStep: failed.step }) };
}

interface Checked extends Required<Pick<DagOptions, 'concurrency'>> {
  timeout: Duration | undefined;
  done: readonly string[];
}

function checkSteps(steps: readonly GraphBody[], { concurrency, timeout, done }: Checked): void {
  const names = new Set(steps.map(({ name }) => name));
  const isCount = (value: number, most: number): boolean => Number.isInteger(value) && value > 0 && value <= most;
  const faults = [
    ...(names.size === 0 ? ['there are no steps'] : []),
    ...(names.has('') ? ['"" is no name for a step'] : []),
    ...(isCount(concurrency, Infinity) ? [] : [`concurrency: ${concurrency} is no positive number`]),
    ...graphFaults(steps).map(({ step, message }) => `${steps[step]!.name}: ${message}`),
    ...steps
      .filter(({ retry }) => retry && !isCount(retry.attempts, mostAttempts))
      .map(({ name, retry }) => `${name}: retry.attempts: ${retry!.attempts} is not between 1 and ${mostAttempts}`),
    ...durationFaults({ timeout }),
    ...steps.flatMap(({ name, timeout: limit, retry }) =>
      durationFaults({ [`${name}: timeout`]: limit, [`${name}: retry.delay`]: retry?.delay }),
    ),
    ...done.filter((name) => !names.has(name)).map((name) => `done: there is no step ${name}`),
  ];
  if (faults.length > 0) throw fail('Pattern.InvalidSteps', `dag:\n${faults.slice(0, 20).join('\n')}`);
}

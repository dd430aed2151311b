import { CancellationScope, isCancellation, log } from '@temporalio/workflow';
import type { PatternResult, StepError, StepResult } from '../../core/results.js';
import { Deadline, type Duration, durationFaults } from '../deadline.js';
import { fail, withLines } from '../failure.js';
import { endProgress, showProgress } from '../progress.js';
import { branchPath, metered, newMeter, nextPath } from '../scope.js';
import { factsOf, failureOf, startStep } from '../settle.js';
import {
  checkSequence,
  end,
  type SequenceContext,
  type SequenceStep,
  type SequenceStepOptions,
} from './checkSequence.js';
import { compensateAndMark, type Done, notTakenBack } from './compensate.js';

export interface DecisionOptions<Next extends string> {
  /** The steps it may choose, or `end`. */
  among: readonly Next[];
}

export interface SequenceRunOptions<Output> {
  /** Limit of all steps together; compensations are not part of it. Default: none. */
  timeout?: Duration;
  /** Steps run at most, repeated ones included. Default: ten times as many as there are. */
  maxSteps?: number;
  /** Tries of each compensation. Default 3. */
  compensationAttempts?: number;
  /** Runs after the last step; it is shown as the step `onSuccess`. If it fails, nothing is taken back. */
  onSuccess?: (output: Output) => Promise<unknown>;
  /** Runs after a failure and its compensations; it is shown as the step `onError`. */
  onError?: (error: StepError) => Promise<unknown>;
}

export interface SequenceResult<Output> extends PatternResult<Output, Record<string, StepResult>> {
  /** What became of the compensations, by step; only after a failure. */
  compensations?: Record<string, StepResult>;
}

/**
 * Steps one after the other, each with the output of the one before it:
 * `await sequential<string>().step('analyze', analyzer).step('publish', publisher).run(text)`.
 *
 * A step's end is a checkpoint: after a crash the sequence goes on with the next one.
 */
export function sequential<Input>(): Sequence<Input, Input, Record<never, never>> {
  return new Sequence([]);
}

class Sequence<Input, Last, Outputs> {
  constructor(private readonly steps: readonly SequenceStep[]) {}

  /** @param run a function, or an agent or a tool of a proxy as it is */
  step<Name extends string, Output>(
    name: Name,
    run: (previous: Last, context: SequenceContext<Input, Outputs>) => Promise<Output>,
    options?: SequenceStepOptions<Output>,
  ): Sequence<Input, Output, Outputs & Record<Name, Output>>;
  step<Name extends string, Output>(
    name: Name,
    run: (previous: Last) => Promise<Output>,
    options?: SequenceStepOptions<Output>,
  ): Sequence<Input, Output, Outputs & Record<Name, Output>>;
  step<Name extends string, Output>(
    name: Name,
    run: (previous: Last, context: SequenceContext<Input, Outputs>) => Promise<Output>,
    options: SequenceStepOptions<Output> = {},
  ): Sequence<Input, Output, Outputs & Record<Name, Output>> {
    return this.with({ name, run, options } as unknown as SequenceStep);
  }

  /**
   * A decision point: an agent or a function picks the step to go on with among declared ones, earlier ones too. What the
   * step before it gave is handed on.
   */
  decide<Name extends string, Next extends string>(
    name: Name,
    choose: (previous: Last, context: SequenceContext<Input, Outputs>) => Promise<{ next: Next }>,
    options: DecisionOptions<Next>,
  ): Sequence<Input, Last, Outputs & Record<Name, { next: Next }>>;
  decide<Name extends string, Next extends string>(
    name: Name,
    choose: (previous: Last) => Promise<{ next: Next }>,
    options: DecisionOptions<Next>,
  ): Sequence<Input, Last, Outputs & Record<Name, { next: Next }>>;
  decide<Name extends string, Next extends string>(
    name: Name,
    choose: (previous: Last, context: SequenceContext<Input, Outputs>) => Promise<{ next: Next }>,
    { among }: DecisionOptions<Next>,
  ): Sequence<Input, Last, Outputs & Record<Name, { next: Next }>> {
    return this.with({ name, run: choose, options: {}, among } as unknown as SequenceStep);
  }

  /**
   * @throws ApplicationFailure of the step that failed, after the compensations, with those that failed, too, in its message;
   *   `Pattern.InvalidSteps` before anything runs
   */
  async run(input: Input, options: SequenceRunOptions<Last> = {}): Promise<Last> {
    const { result, thrown } = await runSequence(this.steps, input, options as SequenceRunOptions<unknown>);
    if (thrown) throw thrown;
    return result.output as Last;
  }

  /** As `run`, but a failed sequence is a result, too: with its steps, its failure and its compensations. */
  async settle(input: Input, options: SequenceRunOptions<Last> = {}): Promise<SequenceResult<Last>> {
    const { result } = await runSequence(this.steps, input, options as SequenceRunOptions<unknown>);
    return result as SequenceResult<Last>;
  }

  private with<Next extends Sequence<Input, unknown, unknown>>(step: SequenceStep): Next {
    return new Sequence([...this.steps, step]) as unknown as Next;
  }
}

export type { Sequence, SequenceContext, SequenceStepOptions };

interface Ended {
  result: SequenceResult<unknown>;
  thrown: Error | undefined;
}

async function runSequence(
  steps: readonly SequenceStep[],
  input: unknown,
  options: SequenceRunOptions<unknown>,
): Promise<Ended> {
  const { maxSteps = steps.length * 10, compensationAttempts = 3, timeout } = options;
  const faults = [...checkSequence(steps, { maxSteps, compensationAttempts }), ...durationFaults({ timeout })];
  if (faults.length > 0) throw fail('Pattern.InvalidSteps', `sequential:\n${faults.join('\n')}`);
  const path = nextPath('sequential');
  const startedAtMs = Date.now();
  const meter = newMeter();
  const deadline = timeout === undefined ? undefined : Deadline.after(timeout, path);
  const done: Done[] = [];
  const visits = new Map<string, number>();
  const results: Record<string, StepResult> = {};
  const outputs: Record<string, unknown> = {};
  let previous = input;

  /** Once, also when the run is cancelled after a step has failed. */
  let rolledBack: Promise<Record<string, StepResult>> | undefined;
  const rollBack = (): Promise<Record<string, StepResult>> =>
    (rolledBack ??= CancellationScope.nonCancellable(() => compensateAndMark(path, done, compensationAttempts)));
  const ended = (more: Pick<SequenceResult<unknown>, 'status'> & Partial<SequenceResult<unknown>>) => ({
    steps: results,
    ...more,
    ...factsOf(meter, startedAtMs),
  });
  const runAt = async (name: string, at: string, body: () => Promise<unknown>, limit?: Duration) => {
    showProgress(path, { pattern: 'sequential', counts: {}, steps: { ...statesOf(results), [name]: 'running' } });
    const running = startStep(branchPath(path, at), body, { timeout: limit });
    const result = (results[name] = await running.result);
    return { result, thrown: running.thrown() };
  };

  try {
    return await metered(meter, async (): Promise<Ended> => {
      for (let index = 0, ran = 0; index < steps.length; ran += 1) {
        const step = steps[index]!;
        if (ran >= maxSteps)
          return await failed(step.name, ...invalid(`still not at its end after ${ran} steps`, path));
        const absent = (step.options.needs ?? []).filter((need) => !Object.hasOwn(outputs, need));
        if (absent.length > 0)
          return await failed(
            step.name,
            ...invalid(`${step.name} needs ${absent.join(', ')}, which has not run`, path),
          );
        const visit = (visits.get(step.name) ?? 0) + 1;
        visits.set(step.name, visit);
        const at = visit === 1 ? step.name : `${step.name}#${visit}`;
        const limit = shorter(step.options.timeout, deadline);
        const { result, thrown } = await runAt(step.name, at, () => step.run(previous, { input, outputs }), limit);
        if (result.status !== 'completed') return await failed(step.name, result.error, thrown ?? failureOf(result));
        outputs[step.name] = result.output;
        done.push({ at, output: result.output, compensate: step.options.compensate });
        if (!step.among) previous = result.output;
        const next = step.among ? chosen(step, result.output, steps) : index + 1;
        if (typeof next === 'string') return await failed(step.name, ...invalid(next, path));
        index = next;
      }
      const { onSuccess } = options;
      if (onSuccess) {
        const limit = shorter(undefined, deadline);
        const { result, thrown } = await runAt('onSuccess', 'onSuccess', () => onSuccess(previous), limit);
        if (result.status !== 'completed') {
          const lost = { error: result.error, failedStep: 'onSuccess' };
          return {
            result: ended({ status: 'partial', output: previous, ...lost }),
            thrown: thrown ?? failureOf(result),
          };
        }
      }
      return { result: ended({ status: 'completed', output: previous }), thrown: undefined };
    });
  } catch (error) {
    if (isCancellation(error)) await rollBack();
    throw error;
  } finally {
    endProgress(path);
  }

  async function failed(failedStep: string, error: StepError, thrown: Error): Promise<Ended> {
    const compensations = await rollBack();
    const { onError } = options;
    const handled = onError && (await runAt('onError', 'onError', () => onError(error)));
    const unhandled =
      handled && handled.result.status !== 'completed'
        ? [`onError failed: ${handled.result.error.type}: ${handled.result.error.message}`]
        : [];
    for (const fault of unhandled) log.error(`${path}: ${fault}`);
    const told = withLines(thrown, [...notTakenBack(compensations), ...unhandled]);
    return { result: ended({ status: 'failed', error, failedStep, compensations }), thrown: told };
  }
}

/** @returns the index of the step to go on with, or what is wrong with the choice */
function chosen({ name, among = [] }: SequenceStep, output: unknown, steps: readonly SequenceStep[]): number | string {
  const { next } = (output ?? {}) as { next?: string };
  if (next === undefined || !among.includes(next)) {
    return `${name} chose ${next}, which is none of ${among.join(', ')}`;
  }
  return next === end ? steps.length : steps.findIndex((step) => step.name === next);
}

function invalid(what: string, path: string): [StepError, Error] {
  const message = `${path}: ${what}`;
  return [{ type: 'Pattern.InvalidSteps', message, step: path }, fail('Pattern.InvalidSteps', message, path)];
}

function shorter(timeout: Duration | undefined, deadline: Deadline | undefined): Duration | undefined {
  if (!deadline) return timeout;
  return timeout === undefined ? deadline.leftMs : Math.min(deadline.leftMs, Deadline.after(timeout).leftMs);
}

function statesOf(results: Record<string, StepResult>): Record<string, string> {
  return Object.fromEntries(Object.entries(results).map(([name, { status }]) => [name, status]));
}

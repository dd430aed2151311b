import { isCancellation } from '@temporalio/workflow';
import type { StepError, StepResult } from '../../core/results.js';
import { type Duration, durationFaults } from '../deadline.js';
import { fail } from '../failure.js';
import { endProgress, showProgress } from '../progress.js';
import { branchPath, nextPath } from '../scope.js';
import { failureOf, notNeeded, type RunningStep, skipped, startStep, startTimer, timedOut } from '../settle.js';

type Body = () => Promise<unknown>;
export type Branches = Readonly<Record<string, Body>> | readonly Body[];
export type BranchOutputs<B extends Branches> = { -readonly [Name in keyof B]: OutputOf<B[Name]> };
export type BranchResults<B extends Branches> = { -readonly [Name in keyof B]: StepResult<OutputOf<B[Name]>> };
type OutputOf<F> = F extends () => Promise<infer Output> ? Output : never;

export interface ParallelOptions {
  /** Branches that run at once. Default 500: the server takes at most 2,000 pending activities of one workflow. */
  concurrency?: number;
  /** Limit of all branches together. What runs then is cancelled, what has not begun is skipped. Default: none. */
  timeout?: Duration;
  /** Limit of each branch. Default: none. */
  branchTimeout?: Duration;
}

export interface PartialOptions extends ParallelOptions {
  onFailure: 'continue';
  /** How many branches have to complete. When they no longer can, the others are cancelled. Default 0. */
  minimum?: number;
}

export const defaultConcurrency = 500;

/**
 * Run branches side by side and wait for all: a record or a list of functions in, the same shape of outputs out.
 *
 * The first failure cancels the other branches, waits until they have ended, and is thrown. With `onFailure: 'continue'` the
 * others go on, and what comes out are results: completed, failed, cancelled or skipped.
 *
 * @throws ApplicationFailure of the failed step; `Step.DeadlineExceeded`; `Pattern.TooFew` when `minimum` is not reached;
 *   `Pattern.InvalidSteps` for options out of range
 */
export function parallel<const B extends Branches>(branches: B, options: PartialOptions): Promise<BranchResults<B>>;
export function parallel<const B extends Branches>(
  branches: B,
  options?: ParallelOptions & { onFailure?: 'fail' },
): Promise<BranchOutputs<B>>;
export async function parallel(
  branches: Branches,
  options: (ParallelOptions & { onFailure?: 'fail' }) | PartialOptions = {},
): Promise<unknown> {
  const minimum = options.onFailure === 'continue' ? (options.minimum ?? 0) : Object.keys(branches).length;
  checkOptions(options, minimum, Object.keys(branches).length);
  const path = nextPath('parallel');
  const { results, thrown } = await runBranches(path, Object.entries(branches), minimum, options);
  const completed = results.filter((result) => result.status === 'completed').length;
  if (options.onFailure === 'continue') {
    if (completed < minimum) throw tooFew(path, Object.keys(branches), results, completed, minimum);
    return inShape(branches, results);
  }
  if (thrown) throw thrown;
  return inShape(
    branches,
    results.map((result) => {
      if (result.status !== 'completed') throw failureOf(result);
      return result.output;
    }),
  );
}

/** @param minimum when fewer can still complete, nothing more is begun and what runs is cancelled */
async function runBranches(
  path: string,
  entries: [string, Body][],
  minimum: number,
  { concurrency = defaultConcurrency, timeout, branchTimeout }: ParallelOptions,
): Promise<{ results: StepResult[]; thrown: Error | undefined }> {
  const branches = entries.map(([name, body]) => ({ at: branchPath(path, name), body }));
  const results: StepResult[] = [];
  const running = new Set<RunningStep<unknown>>();
  let ended = 0;
  let failed = 0;
  let next = 0;
  let thrown: Error | undefined;
  let halted: StepError | undefined;
  const halt = (reason: StepError): void => {
    halted ??= reason;
    for (const step of running) step.cancel(reason);
  };
  const show = (): void =>
    showProgress(path, {
      pattern: 'parallel',
      counts: {
        completed: ended - failed,
        failed,
        running: running.size,
        pending: entries.length - ended - running.size,
      },
    });

  const lane = async (): Promise<void> => {
    for (let index = next++; index < entries.length; index = next++) {
      const { at, body } = branches[index]!;
      if (halted) {
        results[index] = skipped(halted);
        continue;
      }
      const step = startStep(at, body, { timeout: branchTimeout });
      running.add(step);
      show();
      const result = await step.result;
      running.delete(step);
      results[index] = result;
      ended += 1;
      if (result.status !== 'completed') {
        failed += 1;
        if (!halted) thrown ??= step.thrown();
        if (entries.length - failed < minimum) halt(notNeeded);
      }
      show();
    }
  };

  const timer = startTimer(path, timeout, () => halt(timedOut(path)));
  const lanes = Array.from({ length: Math.min(concurrency, entries.length) }, lane);
  try {
    await Promise.all(lanes);
    return { results, thrown };
  } catch (error) {
    // A bug ends the workflow task at once; a cancelled run waits until nothing of it runs any more.
    if (isCancellation(error)) await Promise.allSettled(lanes);
    throw error;
  } finally {
    timer.cancel();
    endProgress(path);
  }
}

function checkOptions(options: ParallelOptions, minimum: number, count: number): void {
  const { concurrency = 1, timeout, branchTimeout } = options;
  const faults = [
    ...durationFaults({ timeout, branchTimeout }),
    ...(Number.isInteger(concurrency) && concurrency > 0 ? [] : [`concurrency: ${concurrency} is no positive number`]),
    ...(Number.isInteger(minimum) && minimum >= 0 && minimum <= count
      ? []
      : [`minimum: ${minimum} is not between 0 and the ${count} branches`]),
  ];
  if (faults.length > 0) throw fail('Pattern.InvalidSteps', `parallel: ${faults.join('; ')}`);
}

const toldFailures = 5;

function tooFew(path: string, names: string[], results: StepResult[], completed: number, minimum: number): Error {
  const failures = results.flatMap((result, index) =>
    result.status === 'failed' ? [`${names[index]}: ${result.error.type}: ${result.error.message}`] : [],
  );
  const more = failures.length > toldFailures ? `\n… and ${failures.length - toldFailures} more` : '';
  const told = failures.slice(0, toldFailures).join('\n');
  return fail(
    'Pattern.TooFew',
    `${path}: ${completed} of at least ${minimum} branches completed\n${told}${more}`,
    path,
  );
}

function inShape(branches: Branches, values: unknown[]): unknown {
  if (Array.isArray(branches)) return values;
  return Object.fromEntries(Object.keys(branches).map((name, index) => [name, values[index]]));
}

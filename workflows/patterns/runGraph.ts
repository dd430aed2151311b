/**
 * Runs steps that come after each other, as many at once as may: what `dag` and plans have in common.
 *
 * Invariants:
 * 1. A step gets the outputs of the completed steps it comes after, and nothing that depends on timing.
 * 2. When this returns or throws nothing of it runs any more, and every step has a result.
 */
import { isCancellation } from '@temporalio/workflow';
import type { PatternProgress } from '../../core/contracts.js';
import { GraphSchedule, type ScheduledStep, type Skip } from '../../core/graphSchedule.js';
import type { StepError, StepFacts, StepResult } from '../../core/results.js';
import type { Duration } from '../deadline.js';
import { endProgress, showProgress } from '../progress.js';
import { branchPath, newMeter, within } from '../scope.js';
import {
  factsOf,
  failureOf,
  notNeeded,
  type RunningStep,
  skipped,
  startStep,
  startTimer,
  timedOut,
} from '../settle.js';
import { type Retry, runTries } from './tries.js';

export type Outputs = Readonly<Record<string, unknown>>;

export interface GraphBody extends ScheduledStep {
  readonly when?: ((outputs: Outputs) => boolean | Promise<boolean>) | undefined;
  readonly run: (outputs: Outputs) => Promise<unknown>;
  readonly retry?: Retry | undefined;
  readonly timeout?: Duration | undefined;
  readonly fallback?: ((outputs: Outputs, error: StepError) => Promise<unknown>) | undefined;
}

export interface GraphOptions {
  /** Name of the pattern, for who watches. */
  pattern: string;
  onFailure: 'fail' | 'continue';
  concurrency: number;
  timeout?: Duration | undefined;
  /** Outputs of steps that have completed before. */
  done?: Outputs | undefined;
}

export interface GraphEnd {
  results: Record<string, StepResult>;
  /** Of the completed steps. */
  outputs: Record<string, unknown>;
  failed?: { step: string; error: StepError; thrown: Error };
}

const shownSteps = 100;

/** What a step's body gives: whether its condition held, and then its output. */
type Ran = { output: unknown; failure?: StepError } | 'conditionFalse';

/** @param steps without faults */
export async function runGraph(path: string, steps: readonly GraphBody[], options: GraphOptions): Promise<GraphEnd> {
  const { onFailure, concurrency, timeout, done = {} } = options;
  const bodies = new Map(steps.map((step) => [step.name, { ...step, path: branchPath(path, step.name) }]));
  const schedule = new GraphSchedule(steps, new Set(Object.keys(done)));
  const results = new Map<string, StepResult>(
    Object.entries(done).map(([name, output]) => [name, { status: 'completed', output, ...noFacts() }]),
  );
  const running = new Map<string, RunningStep<Ran>>();
  let failed: GraphEnd['failed'];
  let halted: StepError | undefined;

  const halt = (reason: StepError): void => {
    halted ??= reason;
    for (const step of running.values()) step.cancel(reason);
  };
  const settled = (name: string, step: RunningStep<Ran>, ran: StepResult<Ran>): void => {
    running.delete(name);
    const result = resultOf(name, ran);
    results.set(name, result);
    for (const skip of schedule.end(name, result.status)) results.set(skip.name, skipped(reasonOf(skip)));
    if (result.status !== 'failed') return;
    failed ??= { step: name, error: result.error, thrown: step.thrown() ?? failureOf(result) };
    if (onFailure === 'fail') halt(notNeeded);
  };
  const all = new Promise<void>((resolve, reject) => {
    const startReady = (): void => {
      while (!halted && running.size < concurrency) {
        const name = schedule.take();
        if (name === undefined) break;
        const body = bodies.get(name)!;
        const outputs = outputsOf(body.after, results);
        const step = startStep(body.path, () => runBody(body.path, body, outputs));
        running.set(name, step);
        step.result
          .then((result) => {
            settled(name, step, result);
            startReady();
          })
          .catch((error: Error) => {
            halted ??= notNeeded;
            reject(error);
          });
      }
      showProgress(path, progressOf(options.pattern, steps, schedule));
      if (running.size === 0) resolve();
    };
    startReady();
  });

  const timer = startTimer(path, timeout, () => halt(timedOut(path)));
  try {
    await all;
  } catch (error) {
    // A bug ends the workflow task at once; a cancelled run waits until nothing of it runs any more.
    if (isCancellation(error)) await Promise.allSettled([...running.values()].map(({ result }) => result));
    throw error;
  } finally {
    timer.cancel();
    endProgress(path);
  }
  for (const name of schedule.skipRest()) {
    const rest = skipped(halted ?? notNeeded);
    results.set(name, rest);
    // All that ran when the deadline came may have completed all the same, and yet the graph has not.
    failed ??= { step: name, error: rest.error, thrown: failureOf(rest) };
  }
  const names = steps.map(({ name }) => name);
  return {
    results: Object.fromEntries(names.map((name) => [name, results.get(name)!])),
    outputs: outputsOf(names, results),
    ...(failed && { failed }),
  };
}

/** The condition has a place of its own: what it calls must not take the keys of what the step calls. */
async function runBody(path: string, body: GraphBody, outputs: Outputs): Promise<Ran> {
  const { when, run, retry, timeout, fallback } = body;
  if (when && !(await within(branchPath(path, 'when'), async () => when(outputs)))) return 'conditionFalse';
  if (!retry && timeout === undefined && !fallback) return { output: await run(outputs) };
  return runTries(path, () => run(outputs), {
    retry,
    timeout,
    ...(fallback && { fallback: (error: StepError) => fallback(outputs, error) }),
  });
}

function resultOf(name: string, ran: StepResult<Ran>): StepResult {
  if (ran.status !== 'completed') return ran;
  const { output, ...facts } = ran;
  if (output === 'conditionFalse')
    return { ...facts, status: 'skipped', error: skip(`the condition of ${name} was false`) };
  return { ...facts, output: output.output, ...(output.failure && { recoveredFrom: output.failure }) };
}

function outputsOf(names: readonly string[], results: ReadonlyMap<string, StepResult>): Record<string, unknown> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const result = results.get(name);
      return result?.status === 'completed' ? [[name, result.output]] : [];
    }),
  );
}

function progressOf(pattern: string, steps: readonly GraphBody[], schedule: GraphSchedule): PatternProgress {
  return {
    pattern,
    counts: schedule.counts(),
    ...(steps.length <= shownSteps && {
      steps: Object.fromEntries(steps.map(({ name }) => [name, schedule.stateOf(name)!])),
    }),
  };
}

const became = { completed: 'completed', failed: 'failed', cancelled: 'was cancelled', skipped: 'was skipped' };

function reasonOf({ because, state }: Skip): StepError {
  return skip(`${because}, which it comes after, ${became[state]}`);
}

function skip(message: string): StepError {
  return { type: 'Step.Skipped', message };
}

function noFacts(): StepFacts {
  return { ...factsOf(newMeter(), Date.now()), attempts: 0 };
}

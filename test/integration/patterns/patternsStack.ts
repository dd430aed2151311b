import { afterAll, beforeAll } from 'vitest';
import { randomUUID } from 'node:crypto';
import type { SegnoError } from '../../../core/errors.js';
import { startTestStack, type TestStack } from '../../../testing/testStack.js';
import type { Run } from '../../../client/index.js';
import * as tools from './project/tools.js';
import type { Spec } from './project/spec.js';

const startTimeoutMs = 180_000;

export interface PatternsStack extends TestStack {
  /** Start a composition. */
  start(spec: Spec, name?: string): Promise<Run>;
  /** Run it to its end. */
  run(spec: Spec, name?: string): Promise<unknown>;
  /** Run it to the failure that is expected of it. */
  failure(spec: Spec, name?: string): Promise<SegnoError>;
  /** Stop the worker the stack began with; `startWorker` starts another. */
  stopWorker(): Promise<void>;
}

/** The project of this folder on real servers, with one worker. */
export function usePatternsStack(): () => PatternsStack {
  let started: PatternsStack | undefined;
  beforeAll(async () => {
    const stack = await startTestStack({
      tools,
      workflows: new URL('./project/workflow.ts', import.meta.url).href,
      worker: false,
    });
    const worker = await stack.startWorker();
    const start = (spec: Spec, name = aCase()): Promise<Run> => stack.client.start('compose', { case: name, spec });
    started = {
      ...stack,
      start,
      stopWorker: () => worker.stop(),
      run: async (spec, name) => (await start(spec, name)).result(),
      failure: async (spec, name) =>
        (await start(spec, name)).result().then(
          (value) => Promise.reject(new Error(`expected a failure, got ${JSON.stringify(value)}`)),
          (reason: unknown) => reason as SegnoError,
        ),
    };
  }, startTimeoutMs);
  afterAll(() => started?.close(), startTimeoutMs);
  return () => {
    if (!started) throw new Error('The stack is not there yet: ask for it inside a test.');
    return started;
  };
}

/** Tells the notes of one run from those of all others. */
export function aCase(): string {
  return randomUUID();
}

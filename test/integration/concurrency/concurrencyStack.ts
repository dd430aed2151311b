import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import type { Run, StartOptions } from '../../../client/index.js';
import type { SegnoError } from '../../../core/errors.js';
import { startTestStack, type TestStack } from '../../../testing/testStack.js';
import type { WorkerProcess } from '../../../testing/workerProcess.js';
import config from './project/segno.config.js';
import type { Work } from './project/workflow.js';

const startTimeoutMs = 180_000;
const eventually = { timeout: 60_000, interval: 50 };

export interface ConcurrencyStack extends TestStack {
  start(key: string, work: Work, options?: Omit<StartOptions, 'concurrency'> & Limits): Promise<Run>;
  /** Let it end its work. */
  finish(run: Run): Promise<void>;
  /** What runs of a key's work noted so far; their names begin with the key. */
  notes(key: string): string[];
  noted(key: string, text: string): Promise<void>;
  queued(run: Run, position: number | undefined): Promise<void>;
  startProcess(): Promise<WorkerProcess>;
}

type Limits = Omit<NonNullable<StartOptions['concurrency']>, 'key'>;

/** The project of this folder on real servers; with no worker in this process, tests start workers of their own. */
export function useConcurrencyStack({ worker }: { worker: boolean }): () => ConcurrencyStack {
  let started: ConcurrencyStack | undefined;
  const dir = mkdtempSync(join(tmpdir(), 'segno-concurrency-'));
  const file = join(dir, 'notes');
  beforeAll(async () => {
    writeFileSync(file, '');
    process.env['SEGNO_TEST_NOTES'] = file;
    const stack = await startTestStack({ ...config, worker });
    const notes = (key: string): string[] =>
      readFileSync(file, 'utf8')
        .split('\n')
        .filter((line) => line.includes(key));
    started = {
      ...stack,
      start: (key, { name, ...rest }, { limit, onLimit, ...options } = {}) =>
        stack.client.start(
          'work',
          { name: `${key} ${name}`, ...rest },
          { ...options, concurrency: { key, ...(limit !== undefined && { limit }), ...(onLimit && { onLimit }) } },
        ),
      finish: (run) => stack.client.temporal.workflow.getHandle(run.id).signal('finish'),
      notes: (key) => notes(key).map((line) => line.replace(` ${key}`, '')),
      noted: (key, text) =>
        expect.poll(() => notes(key).map((line) => line.replace(` ${key}`, '')), eventually).toContain(text),
      queued: (run, position) =>
        expect.poll(async () => (await stack.client.show(run.id)).queued?.position, eventually).toBe(position),
      startProcess: () =>
        stack.startWorkerProcess({ configPath: new URL('./project/segno.config.ts', import.meta.url).pathname }),
    };
  }, startTimeoutMs);
  afterAll(async () => {
    await started?.close();
    rmSync(dir, { recursive: true, force: true });
  }, startTimeoutMs);
  return () => {
    if (!started) throw new Error('The stack is not there yet: ask for it inside a test.');
    return started;
  };
}

export function aKey(): string {
  return `customer/${randomUUID()}`;
}

export async function failureOf(result: Promise<unknown>): Promise<SegnoError> {
  return result.then(
    (value) => Promise.reject(new Error(`expected a failure, got ${JSON.stringify(value)}`)),
    (reason: unknown) => reason as SegnoError,
  );
}

/** The most that were in at once, of notes `in X` and `out X`. */
export function mostAtOnce(notes: readonly string[]): number {
  let [now, most] = [0, 0];
  for (const line of notes) {
    now += line.startsWith('in ') ? 1 : line.startsWith('out ') ? -1 : 0;
    most = Math.max(most, now);
  }
  return most;
}

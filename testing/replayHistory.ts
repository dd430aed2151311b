/**
 * Replays recorded runs under today's workflow code, as a worker would after a deploy.
 *
 * Invariants:
 * 1. Bundle, interceptors and codec are the worker's own (workers/historyOptions.ts).
 * 2. Beyond Temporal's check of the commands, the steps must be the recorded ones: to Temporal all of Segno's steps are the
 *    same two activities, so that it takes one agent's recorded answer for another's.
 */
import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Payload, PayloadCodec, SerializationContext } from '@temporalio/common';
import { Worker } from '@temporalio/worker';
import { bundleWorkflows } from '../workers/bundleWorkflows.js';
import { historyOptions } from '../workers/historyOptions.js';
import { describeDivergence, describeStepDrift } from './describeDrift.js';
import { type HistoryFixture, isFixtureDir, readFixture, type RecordedExecution } from './historyFixture.js';
import { type HistoryJson, requestedStep, startedEvent } from './historyJson.js';
import { installQuietRuntime, workflowFiles } from './testWorker.js';

/** The workflow code of today: its modules (paths or file URLs), or a bundle of them. */
export type ReplayCode = { workflows: string | readonly string[] } | { workflowBundle: { code: string } };

/** The recorded run cannot be continued by this code. */
export class HistoryDriftError extends Error {
  override readonly name = 'HistoryDriftError';

  /** @param dir of the recorded run */
  constructor(
    message: string,
    readonly dir: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * Replay one recorded run: all of its executions.
 *
 * @param options.dir what `recordRun` wrote
 * @throws HistoryDriftError that names the first event, or the steps, where the code does something else
 */
export async function replayHistory(options: ReplayCode & { dir: string }): Promise<void> {
  const [error] = await replayed(await bundleOf(options), [readFixture(options.dir)]);
  if (error) throw error;
}

/**
 * Replay every recorded run under a folder, and tell all that do not replay.
 *
 * @returns the runs' folders, relative to `dir`
 * @throws AggregateError of `HistoryDriftError`s
 */
export async function replayAll(options: ReplayCode & { dir: string }): Promise<string[]> {
  const { dir } = options;
  const names = findFixtures(dir);
  if (names.length === 0) throw new Error(`there are no recorded runs under ${dir}`);
  const fixtures = names.map((name) => readFixture(join(dir, name)));
  const errors = await replayed(await bundleOf(options), fixtures);
  if (errors.length > 0) {
    const messages = errors.map(({ message }) => message);
    throw new AggregateError(errors, `${errors.length} of ${names.length} runs do not replay:\n${messages.join('\n')}`);
  }
  return names;
}

/** The recorded runs under a folder, by their path in it. */
export function findFixtures(dir: string): string[] {
  const found: string[] = [];
  const look = (folder: string): void => {
    if (isFixtureDir(folder)) found.push(relative(dir, folder));
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (entry.isDirectory() && entry.name !== 'blobs') look(join(folder, entry.name));
    }
  };
  look(dir);
  return found.sort();
}

async function bundleOf(code: ReplayCode): Promise<{ code: string }> {
  if ('workflowBundle' in code) return code.workflowBundle;
  return bundleWorkflows(workflowFiles([code.workflows].flat()));
}

/** One execution of a recorded run. */
type Placed = HistoryFixture & RecordedExecution;

/**
 * All executions in one worker: to start one takes longer than most replays. One that a replay has ended is started again.
 *
 * @returns the first error of each run that has one
 */
async function replayed(
  workflowBundle: { code: string },
  fixtures: readonly HistoryFixture[],
): Promise<HistoryDriftError[]> {
  installQuietRuntime();
  const left = fixtures.flatMap((fixture) =>
    fixture.executions.map((execution): Placed => ({ ...fixture, ...execution })),
  );
  const errors = new Map<string, HistoryDriftError>();
  const note = (at: Placed, error: HistoryDriftError | undefined): void => {
    if (error && !errors.has(at.dir)) errors.set(at.dir, error);
  };
  while (left.length > 0) {
    const reading = new ReadingCodec();
    const histories = function* (): Generator<{ history: HistoryJson; workflowId: string }> {
      for (let next = left[0]; next; next = left[0]) {
        reading.begin(next);
        yield { history: next.history, workflowId: startedEvent(next.history).workflowId ?? 'replayed' };
      }
    };
    const { workflowBundle: bundle, sinks } = historyOptions({ workflowBundle, blobs: left[0]!.blobs });
    try {
      const options = { workflowBundle: bundle!, sinks, dataConverter: { payloadCodecs: [reading] } };
      for await (const { error } of Worker.runReplayHistories(options, histories())) {
        const current = left.shift()!;
        note(current, error ? divergence(current, error) : stepDrift(current, reading.asked));
      }
    } catch (error) {
      const current = left.shift();
      // All were replayed, and the worker failed at its end.
      if (!current) throw error;
      note(current, divergence(current, error));
    }
  }
  return [...errors.values()];
}

function divergence({ dir, file, history }: Placed, error: unknown): HistoryDriftError {
  return new HistoryDriftError(describeDivergence(join(dir, file), history, error), dir, { cause: error });
}

function stepDrift({ dir, file, history, steps }: Placed, asked: ReadonlySet<string>): HistoryDriftError | undefined {
  const drift = describeStepDrift(join(dir, file), history, { recorded: steps, asked: [...asked] });
  return drift === undefined ? undefined : new HistoryDriftError(drift, dir);
}

/** The worker's codecs, for one execution after the other. Notes which steps the code asks for: all that a workflow sends out passes. */
class ReadingCodec implements PayloadCodec {
  asked = new Set<string>();
  private codecs: readonly PayloadCodec[] = [];

  begin({ blobs }: Placed): void {
    this.asked = new Set();
    this.codecs = historyOptions({ workflowBundle: { code: '' }, blobs }).dataConverter?.payloadCodecs ?? [];
  }

  async encode(payloads: Payload[], context?: SerializationContext): Promise<Payload[]> {
    const step = context?.type === 'activity' ? requestedStep(payloads[0]?.data ?? new Uint8Array()) : undefined;
    if (step !== undefined) this.asked.add(step);
    let encoded = payloads;
    for (const codec of this.codecs) encoded = await codec.encode(encoded, context);
    return encoded;
  }

  async decode(payloads: Payload[], context?: SerializationContext): Promise<Payload[]> {
    let decoded = payloads;
    for (const codec of [...this.codecs].reverse()) decoded = await codec.decode(decoded, context);
    return decoded;
  }
}

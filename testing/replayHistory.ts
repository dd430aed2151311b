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
import { requestedStep, startedEvent } from './historyJson.js';
import { installQuietRuntime, workflowFiles } from './testWorker.js';

/** The workflow code of today: its modules (paths or file URLs), or a bundle of them. */
export type ReplayCode = { workflows: string | readonly string[] } | { workflowBundle: { code: string } };

/** The recorded run cannot be continued by this code. */
export class HistoryDriftError extends Error {
  override readonly name = 'HistoryDriftError';
}

/**
 * Replay one recorded run: all of its executions.
 *
 * @param options.dir what `recordRun` wrote
 * @throws HistoryDriftError that names the first event, or the steps, where the code does something else
 */
export async function replayHistory(options: ReplayCode & { dir: string }): Promise<void> {
  installQuietRuntime();
  const workflowBundle = await bundleOf(options);
  const fixture = readFixture(options.dir);
  for (const execution of fixture.executions) await replayExecution(workflowBundle, fixture, execution);
}

/**
 * Replay every recorded run under a folder, and tell all that do not replay.
 *
 * @returns the runs' folders, relative to `dir`
 * @throws AggregateError of `HistoryDriftError`s
 */
export async function replayAll(options: ReplayCode & { dir: string }): Promise<string[]> {
  const { dir } = options;
  const workflowBundle = await bundleOf(options);
  const names = findFixtures(dir);
  if (names.length === 0) throw new Error(`there are no recorded runs under ${dir}`);
  const errors: unknown[] = [];
  for (const name of names) {
    await replayHistory({ workflowBundle, dir: join(dir, name) }).catch((error: unknown) => errors.push(error));
  }
  if (errors.length > 0) {
    const messages = errors.map((error) => (error instanceof Error ? error.message : String(error)));
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

async function replayExecution(
  workflowBundle: { code: string },
  { dir, blobs }: HistoryFixture,
  { file, history, steps }: RecordedExecution,
): Promise<void> {
  const notes = new StepNotes();
  const { workflowBundle: bundle, dataConverter, sinks } = historyOptions({ workflowBundle, blobs });
  const payloadCodecs = [notes, ...(dataConverter?.payloadCodecs ?? [])];
  const { workflowId } = startedEvent(history);
  const where = join(dir, file);
  try {
    await Worker.runReplayHistory(
      { workflowBundle: bundle!, sinks, dataConverter: { ...dataConverter, payloadCodecs } },
      history,
      workflowId,
    );
  } catch (error) {
    throw new HistoryDriftError(describeDivergence(where, history, error), { cause: error });
  }
  const drift = describeStepDrift(where, history, { recorded: steps, asked: [...notes.asked] });
  if (drift !== undefined) throw new HistoryDriftError(drift);
}

/** Reads along which steps the code asks for: all that a workflow sends out passes the codecs. */
class StepNotes implements PayloadCodec {
  readonly asked = new Set<string>();

  encode(payloads: Payload[], context?: SerializationContext): Promise<Payload[]> {
    const step = context?.type === 'activity' ? requestedStep(payloads[0]?.data ?? new Uint8Array()) : undefined;
    if (step !== undefined) this.asked.add(step);
    return Promise.resolve(payloads);
  }

  decode(payloads: Payload[]): Promise<Payload[]> {
    return Promise.resolve(payloads);
  }
}

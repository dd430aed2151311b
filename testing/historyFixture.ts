/**
 * A recorded run on disk: `history.json` of the run itself, `history.N.NAME.json` of the executions it led to (children,
 * continue-as-new), `steps.json`, and `blobs/` with every claim-checked payload under its SHA-256.
 *
 * Invariant: a history is Temporal's own JSON, as `temporal workflow show --output json` writes it; any Temporal tool reads
 * it.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SegnoError } from '../core/errors.js';
import type { BlobStore } from '../ledger/index.js';
import type { HistoryJson } from './historyJson.js';

/** One execution of the recorded run. */
export interface RecordedExecution {
  /** Its file in the fixture. */
  readonly file: string;
  readonly history: HistoryJson;
  /** Paths of the steps that its workflow code asked for. */
  readonly steps: readonly string[];
}

export interface HistoryFixture {
  readonly dir: string;
  readonly executions: readonly RecordedExecution[];
  readonly blobs: BlobStore;
}

/** By file name: the steps of each execution, sorted. */
export type RecordedSteps = Record<string, string[]>;

const stepsFile = 'steps.json';
const historyFile = /^history(\.\d+\.[\w.-]+)?\.json$/;

export function historyFileName(position: number, workflow: string): string {
  return position === 0 ? 'history.json' : `history.${position + 1}.${workflow.replace(/[^\w-]/g, '_')}.json`;
}

export function isFixtureDir(dir: string): boolean {
  return readdirSync(dir).includes('history.json');
}

/** @throws Error when the folder holds no recorded run */
export function readFixture(dir: string): HistoryFixture {
  const files = readdirSync(dir)
    .filter((name) => historyFile.test(name))
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  if (files.length === 0) throw new Error(`${dir} holds no recorded run: there is no history.json in it`);
  const steps = readJson(join(dir, stepsFile)) as RecordedSteps;
  const executions = files.map((file) => ({
    file,
    history: readJson(join(dir, file)) as HistoryJson,
    steps: steps[file] ?? [],
  }));
  return { dir, executions, blobs: blobsOf(dir) };
}

export function writeFixture(
  dir: string,
  executions: readonly RecordedExecution[],
  blobs: ReadonlyMap<string, Uint8Array>,
): void {
  mkdirSync(dir, { recursive: true });
  for (const { file, history } of executions) writeJson(join(dir, file), history);
  const steps: RecordedSteps = Object.fromEntries(executions.map(({ file, steps }) => [file, [...steps]]));
  writeJson(join(dir, stepsFile), steps);
  if (blobs.size === 0) return;
  mkdirSync(join(dir, 'blobs'), { recursive: true });
  for (const [sha256, bytes] of blobs) writeFileSync(join(dir, 'blobs', sha256), bytes);
}

/** A replay writes nothing; what it would write still has its hash. */
function blobsOf(dir: string): BlobStore {
  return {
    put: (bytes) => Promise.resolve(createHash('sha256').update(bytes).digest('hex')),
    get: (sha256) => {
      try {
        return Promise.resolve(new Uint8Array(readFileSync(join(dir, 'blobs', sha256))));
      } catch (error) {
        const message = `${dir} has no blob ${sha256}`;
        return Promise.reject(new SegnoError('Document.Missing', message, { cause: error }));
      }
    },
  };
}

/** One event a line: small, and a difference shows where it is. */
function writeJson(path: string, value: HistoryJson | RecordedSteps): void {
  const text =
    'events' in value && Array.isArray(value.events)
      ? `{"events":[\n${value.events.map((event) => JSON.stringify(event)).join(',\n')}\n]}\n`
      : `${JSON.stringify(value, null, 1)}\n`;
  writeFileSync(path, text);
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'));
}

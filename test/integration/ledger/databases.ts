/** Runs the same tests against PGlite in a process of its own and against a real PostgreSQL. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { migrateLedger, openLedger } from '../../../ledger/index.js';
import type { BeginStepInput, Ledger, OpenLedgerOptions } from '../../../ledger/index.js';
import { entryPoint } from '../../../workers/embedded/entryPoint.js';
import { userCacheDir } from '../../../workers/embedded/temporalRelease.js';
import { startPostgres } from '../../../testing/postgres.js';

const startTimeoutMs = 90_000;

export interface PgliteProcess {
  readonly url: string;
  readonly process: ChildProcess;
  /** Resolves with the exit code, or the signal's name. */
  readonly ended: Promise<number | string>;
}

export async function startPglite(dataDir: string, port = 0): Promise<PgliteProcess> {
  const { child, ended } = spawnPglite(dataDir, { port, templateDir: userCacheDir(process.env) });
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout?.setEncoding('utf8').once('data', resolve);
    void ended.then((code) => reject(new Error(`PGlite's process ended with ${code}`)));
  });
  const { url } = JSON.parse(line) as { url: string };
  return { url, process: child, ended };
}

export function spawnPglite(
  dataDir: string,
  { port = 0, templateDir }: { port?: number; templateDir?: string } = {},
): { child: ChildProcess; ended: Promise<number | string> } {
  const args = [...entryPoint('ledger/pgliteServer'), '--data-dir', dataDir, '--port', String(port)];
  if (templateDir) args.push('--template-dir', templateDir);
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
  const ended = new Promise<number | string>((resolve) =>
    child.once('exit', (code, signal) => resolve(code ?? signal ?? '')),
  );
  return { child, ended };
}

export function temporaryDir(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'segno-ledger-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export interface TestDatabase {
  readonly url: string;
  /** Migrated; closed when the tests are over. */
  readonly ledger: Ledger;
  /** Another client, closed when the tests are over. */
  open(options?: Partial<OpenLedgerOptions>): Promise<Ledger>;
}

export const databaseNames = ['PGlite', 'PostgreSQL'] as const;

export function describeOnBothDatabases(
  tests: (database: () => TestDatabase, name: (typeof databaseNames)[number]) => void,
): void {
  describe.each(databaseNames)('on %s', (name) => {
    let database: TestDatabase | undefined;
    const closing: (() => Promise<unknown> | void)[] = [];
    beforeAll(async () => {
      const url = name === 'PGlite' ? await startForTests(closing) : await startPostgresForTests(closing);
      const open = async (options: Partial<OpenLedgerOptions> = {}) => {
        const ledger = await openLedger({ connectionString: url, ...options });
        closing.unshift(() => ledger.close());
        return ledger;
      };
      const ledger = await open();
      await migrateLedger(ledger);
      database = { url, ledger, open };
    }, startTimeoutMs);
    afterAll(async () => {
      for (const close of closing) await close();
    }, startTimeoutMs);
    tests(() => {
      if (!database) throw new Error('The database is not there yet: ask for it inside a test.');
      return database;
    }, name);
  });
}

async function startForTests(closing: (() => Promise<unknown> | void)[]): Promise<string> {
  const dir = temporaryDir();
  const server = await startPglite(join(dir.path, 'data'));
  closing.push(
    async () => {
      server.process.kill('SIGTERM');
      await server.ended;
    },
    () => dir.remove(),
  );
  return server.url;
}

async function startPostgresForTests(closing: (() => Promise<unknown> | void)[]): Promise<string> {
  const server = await startPostgres();
  closing.push(() => server.stop());
  return server.url;
}

/** A step of a run of its own, so that tests share a database without meeting. */
export function aStep(over: Partial<BeginStepInput> = {}): BeginStepInput {
  const runId = over.runId ?? randomUUID();
  const path = over.path ?? 'riskAnalyst#1';
  return {
    key: `${runId}/${path}`,
    runId,
    workflowId: `workflow-${runId}`,
    scope: `scope-${runId}`,
    tenant: 'tenant',
    path,
    kind: 'tool',
    name: 'searchFilings',
    definitionHash: 'definition',
    fingerprint: 'fingerprint',
    owner: 'worker-a',
    attempt: 1,
    safety: 'idempotent',
    leaseMs: 60_000,
    ...over,
  };
}

export function aModelCall(over: Partial<BeginStepInput> = {}): BeginStepInput {
  return aStep({
    kind: 'model',
    name: 'riskAnalyst',
    model: { alias: 'default', provider: 'openai', model: 'small-1' },
    upperBound: { inputTokens: 1_000, outputTokens: 500, costPicoUsd: 6_000n },
    ...over,
  });
}

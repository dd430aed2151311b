/**
 * The Temporal dev server as a child of the stack: its arguments, and when it really serves.
 *
 * Invariant: the database file counts as created once the server was ready with it. A file from before (a kill while
 * the schema was written) holds no run, and the server would fail on it for ever: it is set aside.
 */
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Connection } from '@temporalio/client';

/** gRPC status NOT_FOUND: here the good answer, the history service looked and found no such workflow. */
const notFoundCode = 5;
const probePollMs = 50;

export interface TemporalServerOptions {
  /** Absolute path of the SQLite file. */
  readonly dbFile: string;
  readonly port: number;
  readonly uiPort: number;
  readonly namespace: string;
}

/**
 * The dev server polls its queues 20 times a second by default, which costs ~45 ms a hop; with these values a step
 * takes ~8 ms instead of 95. One matching partition and eager execution save further hops; WAL doubles the throughput.
 */
const dynamicConfig = [
  'history.transferProcessorMaxPollRPS=10000',
  'history.timerProcessorMaxPollRPS=10000',
  // The server puts off what is due sooner than this, for the clocks of several machines; by its default of 1 s a wait of 100 ms lasts a second.
  'history.timerProcessorMaxTimeShift="20ms"',
  'system.enableActivityEagerExecution=true',
  'matching.numTaskqueueReadPartitions=1',
  'matching.numTaskqueueWritePartitions=1',
  // Without it priorities of runs are ignored; it implies matching.useNewMatcher.
  'matching.enableFairness=true',
];
const sqlitePragmas = ['journal_mode=WAL', 'synchronous=NORMAL'];

export function temporalServerArgs(options: TemporalServerOptions): string[] {
  return [
    ...[
      'server',
      'start-dev',
      '--ip',
      '127.0.0.1',
      '--port',
      String(options.port),
      '--ui-port',
      String(options.uiPort),
    ],
    ...['--db-filename', options.dbFile, '--namespace', options.namespace],
    ...['--log-level', 'error', '--log-format', 'json', '--color', 'never'],
    ...sqlitePragmas.flatMap((pragma) => ['--sqlite-pragma', pragma]),
    ...dynamicConfig.flatMap((setting) => ['--dynamic-config-value', setting]),
  ];
}

/** It prints where it serves once its services have been started; a server that cannot bind never gets there. */
export function isServingLine(line: string): boolean {
  return /server/i.test(line) && !line.startsWith('{');
}

/**
 * Resolves when frontend, namespace and history service answer at `address`: a workflow can be started then.
 *
 * @throws the signal's reason when it is aborted first
 */
export async function untilTemporalServes(address: string, namespace: string, signal: AbortSignal): Promise<void> {
  const connection = Connection.lazy({ address, connectTimeout: '10s' });
  try {
    for (;;) {
      signal.throwIfAborted();
      if (await serves(connection, namespace)) return;
      await delay(probePollMs, undefined, { signal });
    }
  } finally {
    await connection.close();
  }
}

async function serves(connection: Connection, namespace: string): Promise<boolean> {
  const execution = { workflowId: 'segno-readiness-probe' };
  const call = connection.workflowService.describeWorkflowExecution({ namespace, execution });
  return call.then(
    () => true,
    // A missing namespace is NOT_FOUND as well, and its message says so.
    (error: { code?: number; message?: string }) =>
      error.code === notFoundCode && !/namespace/i.test(error.message ?? ''),
  );
}

export function prepareDbFile(dbFile: string): void {
  mkdirSync(dirname(dbFile), { recursive: true });
  if (!existsSync(dbFile) || existsSync(markerOf(dbFile))) return;
  const aside = `${dbFile}.unfinished-${new Date().toISOString().replaceAll(':', '')}`;
  renameSync(dbFile, aside);
  for (const suffix of ['-wal', '-shm']) rmSync(dbFile + suffix, { force: true });
}

export function markDbFileCreated(dbFile: string): void {
  writeFileSync(markerOf(dbFile), '');
}

const markerOf = (dbFile: string): string => `${dbFile}.created`;

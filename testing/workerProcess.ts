import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { readJsonLine } from '../workers/embedded/childSpec.js';
import { entryPoint } from '../workers/embedded/entryPoint.js';
import { startChild } from '../workers/embedded/startChild.js';

export interface WorkerProcessOptions {
  /**
   * The project's segno.config.ts. For the stack's task queue it says
   * `taskQueue: process.env['SEGNO_TEST_TASK_QUEUE'] ?? 'segno'`.
   */
  configPath: string;
  /** Beside what the stack sets. */
  env?: NodeJS.ProcessEnv;
}

/** A worker in a process of its own. */
export interface WorkerProcess {
  readonly pid: number;
  /** The owner of the steps it runs. */
  readonly instance: string;
  /** What it has written so far. */
  log(): string;
  /** As a deploy ends it: no new work, running work is handed on. */
  stop(): Promise<void>;
  /** As a crash ends it. */
  kill(): Promise<void>;
}

/** @throws SegnoError `Stack.StartFailed` with the end of its log */
export async function startWorkerProcess(
  { configPath, env }: WorkerProcessOptions,
  stackEnv: NodeJS.ProcessEnv,
): Promise<WorkerProcess> {
  const config = resolve(configPath);
  const logDir = mkdtempSync(join(tmpdir(), 'segno-worker-'));
  const logPath = join(logDir, 'worker.log');
  const child = startChild(
    {
      name: 'worker',
      after: [],
      command: () => Promise.reject(new Error('started once')),
      readLine: readJsonLine,
      readyTimeoutMs: 60_000,
      graceMs: 15_000,
      startAttempts: 1,
    },
    {
      file: process.execPath,
      args: [...entryPoint('workers/main'), '--config', config],
      env: { ...stackEnv, ...env },
      cwd: dirname(config),
    },
    logPath,
  );
  const end = async (how: () => unknown): Promise<void> => {
    how();
    await child.exited;
    rmSync(logDir, { recursive: true, force: true });
  };
  try {
    const { instance } = await child.ready;
    let log = '';
    return {
      pid: child.identity.pid,
      instance: String(instance),
      log() {
        try {
          log = readFileSync(logPath, 'utf8');
        } catch {
          // Ended, and its log with it.
        }
        return log;
      },
      stop: () => end(() => child.stop()),
      kill: () => end(() => child.kill()),
    };
  } catch (error) {
    await end(() => child.kill());
    throw error;
  }
}

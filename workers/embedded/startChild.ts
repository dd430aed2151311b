/**
 * Starts one child process and tells when it is ready and when it has ended.
 *
 * Invariants:
 * 1. A child leads its own process group: the terminal's Ctrl-C reaches the supervisor alone, which then stops the
 *    children in their order.
 * 2. A child has an IPC channel to us, and our own processes end when it closes, so a killed supervisor leaves none.
 *    Foreign programs (Temporal) ignore it; stack.json names them for the next start.
 * 3. `ready` settles exactly once, and rejects if the child ends first: a foreign server that answers on the child's
 *    port is not taken for it.
 */
import { spawn } from 'node:child_process';
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { processStartedAt, type ProcessIdentity } from '../processIdentity.js';
import { SegnoError } from '../../core/errors.js';
import { closeChildLog, logTail, openChildLog, sizeOf } from './childLog.js';
import type { ChildCommand, ChildSpec, ReadyFacts } from './childSpec.js';
import { signalProcess } from './endProcess.js';

/** One that never served has nothing to finish, and may be too busy starting to hear a signal. */
const startingGraceMs = 2_000;

export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface RunningChild {
  readonly identity: ProcessIdentity;
  readonly ready: Promise<ReadyFacts>;
  readonly exited: Promise<ChildExit>;
  /** Hand over what `connections` promised. */
  connect(connections: NodeJS.ProcessEnv): void;
  /** SIGTERM, and SIGKILL after the spec's grace period (a shorter one if it never served); resolves at its end. */
  stop(): Promise<ChildExit>;
  kill(): void;
}

/** @throws SegnoError `Stack.StartFailed` when the program cannot be started at all */
export function startChild(spec: ChildSpec, command: ChildCommand, logPath: string): RunningChild {
  const log = openChildLog(logPath);
  const logStart = sizeOf(logPath);
  const child = spawn(command.file, command.args, {
    env: command.env,
    cwd: command.cwd,
    stdio: ['ignore', 'pipe', log, 'ipc'],
    detached: true,
  });
  const exited = new Promise<ChildExit>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
    child.once('error', () => resolve({ code: null, signal: null }));
  });
  // The channel is there for its end only; a child that closed it may be on its way out.
  child.on('error', () => undefined);
  const startFailed = (what: string): SegnoError => {
    const tail = logTail(logPath, logStart);
    const said = tail ? `\nIts last lines (${logPath}):\n${tail}` : `\nIt wrote nothing to ${logPath}.`;
    return new SegnoError('Stack.StartFailed', `${spec.name} ${what}.${said}`, {
      details: { name: spec.name, logPath },
    });
  };
  if (child.pid === undefined) {
    closeChildLog(log);
    throw startFailed(`could not be started: ${command.file} cannot be run`);
  }
  const identity = { pid: child.pid, processStartedAt: processStartedAt(child.pid) ?? 'ended' };
  const kill = (): void => signalProcess(identity, 'SIGKILL');

  let served = false;
  let startTimer: () => void = () => undefined;
  const ready = new Promise<ReadyFacts>((resolve, reject) => {
    const giveUp = new AbortController();
    const fail = (what: string): void => {
      giveUp.abort();
      reject(startFailed(what));
    };
    let timer: NodeJS.Timeout | undefined;
    startTimer = () => {
      timer = setTimeout(() => {
        fail(`was not ready within ${spec.readyTimeoutMs / 1000} s`);
        kill();
      }, spec.readyTimeoutMs);
    };
    if (!spec.connections) startTimer();
    void exited.then(({ code, signal }) => {
      clearTimeout(timer);
      fail(`ended before it was ready (${signal ?? `exit code ${code}`})`);
    });
    const confirm = async (facts: ReadyFacts): Promise<void> => {
      await spec.probe?.(facts, giveUp.signal);
      served = true;
      clearTimeout(timer);
      resolve(facts);
    };
    let announced = false;
    let logClosed = false;
    createInterface({ input: child.stdout ?? Readable.from([]) }).on('line', (line) => {
      if (!logClosed) writeSync(log, `${line}\n`);
      if (announced) return;
      const facts = spec.readLine(line);
      if (facts === undefined) return;
      announced = true;
      confirm(facts).catch((error: unknown) => {
        if (giveUp.signal.aborted) return;
        fail(`does not answer: ${error instanceof Error ? error.message : String(error)}`);
        kill();
      });
    });
    child.once('close', () => {
      logClosed = true;
      closeChildLog(log);
    });
  });
  ready.catch(() => undefined);

  return {
    identity,
    ready,
    exited,
    kill,
    connect(connections) {
      startTimer();
      // Its end is told by `exited`; the message is nobody's then.
      child.send(connections, () => undefined);
    },
    async stop() {
      signalProcess(identity, 'SIGTERM');
      const timer = setTimeout(kill, served ? spec.graceMs : Math.min(spec.graceMs, startingGraceMs));
      return exited.finally(() => clearTimeout(timer));
    },
  };
}

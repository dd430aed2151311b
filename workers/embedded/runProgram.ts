/** Runs a program to its end and gathers what it said. */
import { spawn } from 'node:child_process';

export interface ProgramOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
  /** Each line of its standard error as it comes. */
  readonly onErrorLine?: (line: string) => void;
}

export interface ProgramResult {
  /** Undefined when it could not be started or a signal ended it. */
  readonly exitCode: number | undefined;
  readonly stdout: string;
  /** The last 4 KB. */
  readonly stderr: string;
}

/**
 * Never rejects: a program that is missing, fails or takes too long is a result without exit code 0. An aborted signal
 * ends it together with everything it started.
 */
export async function runProgram(
  file: string,
  args: readonly string[],
  options: ProgramOptions,
): Promise<ProgramResult> {
  if (options.signal?.aborted) return { exitCode: undefined, stdout: '', stderr: 'aborted' };
  return new Promise((resolve) => {
    // Its own process group, so that a compiler's children end with it.
    const child = spawn(file, args, { env: options.env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    let stdout = '';
    let stderr = '';
    let partial = '';
    const end = (): void => endGroup(child.pid);
    const timer = options.timeoutMs === undefined ? undefined : setTimeout(end, options.timeoutMs);
    const settle = (exitCode: number | undefined): void => {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', end);
      resolve({ exitCode, stdout, stderr });
    };
    options.signal?.addEventListener('abort', end, { once: true });
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-4096);
      const lines = (partial + text).split('\n');
      partial = lines.pop() ?? '';
      for (const line of lines) options.onErrorLine?.(line);
    });
    child.once('error', (error) => {
      stderr += error.message;
      settle(undefined);
    });
    child.once('close', (code) => settle(code ?? undefined));
  });
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Already gone.
  }
}

/** `segno dev --json`, compiled, as a user starts it: in a process of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const command = join(import.meta.dirname, '../../dist/cli/main.js');
const chaosConfig = join(import.meta.dirname, 'project/segno.config.ts');
const inherited = Object.entries(process.env).filter(([name]) => !/^(TEMPORAL_|DATABASE_URL|SEGNO_|SMTP_)/.test(name));

export interface DevProcess {
  readonly pid: number;
  /** What it says while it runs. */
  notices(): string;
  /** Ctrl-C, and the wait for its end. */
  stop(): Promise<void>;
  /** SIGKILL to this process alone. */
  kill(): Promise<void>;
}

/** Resolves when the stack is ready. */
export async function startDev(dir: string, env: NodeJS.ProcessEnv, configPath = chaosConfig): Promise<DevProcess> {
  const child = spawn(process.execPath, [command, 'dev', '--json', '--dir', dir, '--config', configPath], {
    env: { ...Object.fromEntries(inherited), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let notices = '';
  child.stderr.on('data', (chunk: Buffer) => (notices += chunk.toString()));
  const exited = once(child, 'exit').then(([code]) => code as number | null);
  const ready = once(createInterface({ input: child.stdout }), 'line');
  await Promise.race([
    ready,
    exited.then((code) => Promise.reject(new Error(`segno dev ended with ${code}: ${notices}`))),
  ]);
  const end = (signal: NodeJS.Signals) => async (): Promise<void> => {
    child.kill(signal);
    await exited;
  };
  return { pid: child.pid!, notices: () => notices, stop: end('SIGINT'), kill: end('SIGKILL') };
}

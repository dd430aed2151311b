/** Stand-ins for the processes of the stack: small Node scripts that do as they are told and write down what they did. */
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ChildSpec } from '../../workers/embedded/childSpec.js';
import { readJsonLine } from '../../workers/embedded/childSpec.js';

export interface StandInBehaviour {
  /** Print no ready line before this file exists. */
  readonly readyWhen?: string;
  /** Exit at once with this code, saying `says` first. */
  readonly exitCode?: number;
  readonly says?: string;
  /** Exit instead of starting for the first so many starts. */
  readonly failStarts?: number;
  readonly ignoresTerm?: boolean;
  /** Lives on when its supervisor is killed, as Temporal does. */
  readonly survivesParent?: boolean;
  /** Says that it is ready when it is told to end, as one does that was about to. */
  readonly readyOnTerm?: boolean;
  readonly url?: string;
  /** Ready with the parent's first message, whose values it writes down. */
  readonly readyOnMessage?: boolean;
}

const script = `
import { appendFileSync, existsSync, readFileSync, watch } from 'node:fs';
const [name, diary, json] = process.argv.slice(2);
const does = JSON.parse(json);
const note = (what) => appendFileSync(diary, name + ' ' + what + '\\n');
const earlier = existsSync(diary) ? readFileSync(diary, 'utf8').split('\\n').filter((l) => l === name + ' started').length : 0;
note('started');
if (does.says) console.error(does.says);
if (does.exitCode !== undefined || earlier < (does.failStarts ?? 0)) process.exit(does.exitCode ?? 7);
process.on('SIGTERM', () => { note('termed'); if (does.readyOnTerm) { ready(); setTimeout(() => process.exit(0), 100); } else if (!does.ignoresTerm) process.exit(0); });
process.on('disconnect', () => { if (!does.ignoresTerm && !does.survivesParent) { note('orphaned'); process.exit(0); } });
process.on('exit', () => note('ended'));
function ready() { note('ready'); console.log(JSON.stringify({ ready: true, url: does.url, pid: process.pid })); }
if (does.readyWhen) { const timer = setInterval(() => { if (existsSync(does.readyWhen)) { clearInterval(timer); ready(); } }, 5); }
else if (does.readyOnMessage) process.once('message', (said) => { note('told ' + Object.values(said)); ready(); });
else ready();
note('listening');
setInterval(() => {}, 1000);
`;

export interface Workshop {
  readonly dir: string;
  /** Without any Temporal or database setting of the machine the tests run on. */
  readonly env: NodeJS.ProcessEnv;
  readonly diary: () => string[];
  readonly path: (name: string) => string;
  spec(name: string, options?: StandInBehaviour & Partial<ChildSpec>): ChildSpec;
  remove(): void;
}

/** A temporary folder with the stand-in script and a diary all children write to. */
export function openWorkshop(existingDir?: string): Workshop {
  const dir = existingDir ?? mkdtempSync(join(tmpdir(), 'segno-embedded-'));
  const scriptPath = join(dir, 'standIn.mjs');
  const diaryPath = join(dir, 'diary.txt');
  writeFileSync(scriptPath, script);
  appendFileSync(diaryPath, '');
  return {
    dir,
    env: { PATH: process.env['PATH'], HOME: dir },
    path: (name) => join(dir, name),
    diary: () => readFileSync(diaryPath, 'utf8').trim().split('\n').filter(Boolean),
    remove: () => rmSync(dir, { recursive: true, force: true }),
    spec(name, { after, readyTimeoutMs, graceMs, startAttempts, beforeRetry, probe, connections, ...behaviour } = {}) {
      return {
        name,
        after: after ?? [],
        command: () => ({
          file: process.execPath,
          args: [scriptPath, name, diaryPath, JSON.stringify(behaviour)],
          env: process.env,
        }),
        readLine: readJsonLine,
        readyTimeoutMs: readyTimeoutMs ?? 10_000,
        graceMs: graceMs ?? 5_000,
        startAttempts: startAttempts ?? 1,
        ...(beforeRetry && { beforeRetry }),
        ...(probe && { probe }),
        ...(connections && { connections }),
      };
    },
  };
}

export interface SupervisorProcess {
  readonly pid: number;
  /** SIGKILL, as a crash or an impatient user would. */
  kill(): Promise<void>;
}

/** A process of its own that starts a stack of stand-ins in the workshop's folder and holds it. */
export async function startSupervisorProcess(
  shop: Workshop,
  standIns: Record<string, StandInBehaviour>,
): Promise<SupervisorProcess> {
  const script = shop.path('supervisor.mts');
  const root = join(import.meta.dirname, '../..');
  writeFileSync(
    script,
    `import { startStack } from ${JSON.stringify(join(root, 'workers/embedded/startStack.ts'))};
     import { openWorkshop } from ${JSON.stringify(join(root, 'test/unit/embeddedStandIn.ts'))};
     const shop = openWorkshop(${JSON.stringify(shop.dir)});
     const children = () => Object.entries(${JSON.stringify(standIns)}).map(([name, does]) => shop.spec(name, does));
     await startStack({ dir: shop.dir, env: shop.env, children });
     console.log('up');
     setInterval(() => {}, 1000);`,
  );
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  await Promise.race([once(createInterface({ input: child.stdout }), 'line'), ended]);
  if (child.pid === undefined || child.exitCode !== null) throw new Error('The supervisor process did not come up.');
  return {
    pid: child.pid,
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Wait for a condition that has no event of its own. */
export async function until(what: string, condition: () => boolean, timeoutMs = 10_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`Not within ${timeoutMs} ms: ${what}`);
    await delay(10);
  }
}

export const touch = (path: string): void => writeFileSync(path, '');
export const exists = (path: string): boolean => existsSync(path);

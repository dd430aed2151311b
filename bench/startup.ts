/** How long a person waits: `segno dev` until ready, and the main job on its sample after that. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { format, type Row, spread } from './statistics.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const command = join(root, 'dist/cli/main.js');
const rounds = 3;

async function firstLine(stream: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface({ input: stream })) return line;
  return '';
}

export async function benchStartup(): Promise<Row[]> {
  const ready = { first: [] as number[], again: [] as number[] };
  const demo: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const dir = await mkdtemp(join(tmpdir(), 'segno-bench-start-'));
    for (const kind of ['first', 'again'] as const) {
      const started = performance.now();
      const dev = spawn(
        process.execPath,
        [command, 'dev', '--json', '--dir', dir, '--config', join(root, 'segno.config.ts')],
        { stdio: ['ignore', 'pipe', 'ignore'] },
      );
      const stack = JSON.parse(await firstLine(dev.stdout)) as { temporal: string; ledger: string };
      ready[kind].push((performance.now() - started) / 1000);
      if (kind === 'again') demo.push(await runDemo(stack, dir));
      dev.kill('SIGINT');
      await once(dev, 'exit');
    }
    await rm(dir, { recursive: true, force: true });
  }
  const within = (values: number[], limit: number): Pick<Row, 'target' | 'met'> => ({
    target: `at most ${limit} s`,
    met: spread(values).median <= limit,
  });
  return [
    {
      figure: '`segno dev` ready, first time in a folder',
      value: format(spread(ready.first), 's'),
      ...within(ready.first, 8),
    },
    { figure: '`segno dev` ready, again', value: format(spread(ready.again), 's'), ...within(ready.again, 8) },
    { figure: 'main job on its sample, stack running', value: format(spread(demo), 's'), ...within(demo, 15) },
  ];
}

async function runDemo({ temporal, ledger }: { temporal: string; ledger: string }, dir: string): Promise<number> {
  const started = performance.now();
  const input = join(root, 'examples/investor-report/sample/techcorp-q3-2024.pdf');
  const run = spawn(
    process.execPath,
    [command, 'run', 'investor-report', '--input', input, '--out', join(dir, 'out.pdf')],
    {
      cwd: root,
      stdio: 'ignore',
      env: { ...process.env, TEMPORAL_ADDRESS: temporal, DATABASE_URL: ledger },
    },
  );
  const [code] = (await once(run, 'exit')) as [number];
  if (code !== 0) throw new Error(`the demo ended with exit code ${code}`);
  return (performance.now() - started) / 1000;
}

/** `segno doctor`: is everything there that Segno needs, and if not, what to do. */
import { resolve } from 'node:path';
import { Command } from 'commander';
import pc from 'picocolors';
import { SegnoError } from '../../core/errors.js';
import { resolveConnections } from '../../workers/embedded/resolveConnections.js';
import { readStack } from '../../workers/embedded/stackState.js';
import { findTemporal } from '../../workers/embedded/temporalBinary.js';
import { findConfig, loadProject } from '../../workers/loadProject.js';
import { doctorChecks, type Check, type CheckResult, type DoctorContext } from './doctorChecks.js';
import { openStatusLine } from './statusLine.js';
import { listenForStop } from './stopRequest.js';

interface DoctorFlags {
  readonly dir?: string;
  readonly config?: string;
  readonly json: boolean;
  readonly installTemporal: boolean;
}

export interface NamedResult extends CheckResult {
  readonly name: string;
}

const examples = `
Examples:
  $ segno doctor                       check this machine and the project in this folder
  $ segno doctor --json                the same for programs
  $ segno doctor --install-temporal    get Temporal now: from PATH, the cache, the download, or a build

Exits with 1 if a check fails; warnings do not count.`;

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('check what Segno needs on this machine, and say how to mend what is missing')
    .option('--dir <folder>', 'the project (default: the nearest folder with a segno.config.ts)')
    .option('--config <file>', 'the config, if it is not segno.config.ts in the project')
    .option('--install-temporal', 'download or build the Temporal server first, if there is none', false)
    .option('--json', 'one JSON object', false)
    .addHelpText('after', examples)
    .action(async (flags: DoctorFlags) => {
      if (flags.installTemporal) await installTemporal();
      const results = await runChecks(doctorChecks, await contextOf(flags));
      const healthy = results.every(({ status }) => status !== 'fail');
      const color = pc.isColorSupported && process.stdout.isTTY;
      const shown = flags.json ? JSON.stringify({ healthy, checks: results }) : renderResults(results, color);
      process.stdout.write(`${shown}\n`);
      if (!healthy) process.exitCode = 1;
    });
}

/** All at once; what a check throws is its failure. */
export async function runChecks(checks: readonly Check[], context: DoctorContext): Promise<NamedResult[]> {
  return Promise.all(
    checks.map(async ({ name, run }) => {
      try {
        return { name, ...(await run(context)) };
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        return { name, status: 'fail', message, fix: 'This check itself failed: please report it.' } as const;
      }
    }),
  );
}

export function renderResults(results: readonly NamedResult[], color: boolean): string {
  const c = pc.createColors(color);
  const marks = { ok: c.green('ok  '), warn: c.yellow('warn'), fail: c.red('FAIL') };
  const width = Math.max(...results.map(({ name }) => name.length));
  const indent = ' '.repeat(width + 8);
  const lines = results.flatMap(({ name, status, message, fix }) => [
    `${marks[status]}  ${name.padEnd(width)}  ${message.replaceAll('\n', `\n${indent}`)}`,
    ...(fix === undefined ? [] : [`${indent}${c.dim(`→ ${fix}`)}`]),
  ]);
  return lines.join('\n');
}

async function contextOf(flags: DoctorFlags): Promise<DoctorContext> {
  const from = resolve(flags.dir ?? '.');
  const configPath = flags.config === undefined ? findConfig(from) : resolve(flags.config);
  const found = configPath === undefined ? undefined : resolve(configPath, '..');
  const dir = flags.dir === undefined && found !== undefined ? found : from;
  const { env } = process;
  return {
    dir,
    env,
    nodeVersion: process.version,
    connections: resolveConnections({ env, dir }),
    stack: readStack(dir),
    config: await configOf(from, configPath),
    fetch,
  };
}

async function configOf(from: string, configPath: string | undefined): Promise<DoctorContext['config']> {
  try {
    return (await loadProject(configPath === undefined ? { dir: from } : { configPath })).config;
  } catch (error) {
    const fault = error instanceof Error ? error.message : String(error);
    return {
      fault,
      missing: error instanceof SegnoError && error.type === 'Config.Missing' && configPath === undefined,
    };
  }
}

async function installTemporal(): Promise<void> {
  const status = openStatusLine();
  const request = listenForStop(() => status.say('Stopping.'));
  try {
    const binary = await findTemporal({ signal: request.stop, onProgress: (progress) => status.progress(progress) });
    status.say(`${binary.version} at ${binary.path}`);
  } finally {
    request.close();
  }
}

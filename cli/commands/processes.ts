/** Commands that become one of Segno's processes: worker, offline-model. */
import { spawn } from 'node:child_process';
import { Command } from 'commander';
import { resolveConnections } from '../../workers/embedded/resolveConnections.js';
import { entryPoint } from '../../workers/embedded/entryPoint.js';
import { type ProjectFlags, projectDir } from '../openProject.js';

export function workerCommand(): Command {
  return new Command('worker')
    .description('run a worker against TEMPORAL_ADDRESS and DATABASE_URL, or against the stack of this folder')
    .option('--config <file>', 'the config, if it is not segno.config.ts here or above')
    .addHelpText('after', '\nExamples:\n  $ TEMPORAL_ADDRESS=temporal:7233 DATABASE_URL=postgres://… segno worker')
    .action(async (flags: ProjectFlags) => {
      const dir = projectDir(flags);
      const { temporal, ledger, model } = resolveConnections({ env: process.env, dir });
      await become('workers/main', flags.config === undefined ? [] : ['--config', flags.config], {
        ...(temporal?.origin === 'stack' && {
          TEMPORAL_ADDRESS: temporal.address,
          TEMPORAL_NAMESPACE: temporal.namespace,
        }),
        ...(ledger && { DATABASE_URL: ledger.url }),
        ...(model && { SEGNO_OFFLINE_MODEL_URL: model.url }),
      });
    });
}

export function offlineModelCommand(): Command {
  return new Command('offline-model')
    .description('serve the offline model on the OpenAI wire: rules over the given text, no language model')
    .allowUnknownOption()
    .allowExcessArguments()
    .helpOption(false)
    .action(async (_flags, command: Command) => {
      await become('workers/offlineModel/main', command.args, {});
    });
}

/** Run one of the package's processes in this one's place: same streams, signals and exit code. */
async function become(path: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  const child = spawn(process.execPath, [...entryPoint(path), ...args], {
    stdio: 'inherit',
    env: { ...process.env, ...env },
  });
  const forward = (signal: NodeJS.Signals): void => void child.kill(signal);
  process.on('SIGINT', forward);
  process.on('SIGTERM', forward);
  process.exitCode = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 1)));
  });
}

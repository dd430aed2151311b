#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { approveCommand } from './commands/approve.js';
import { devCommand } from './commands/dev.js';
import { doctorCommand } from './commands/doctor.js';
import {
  agentsCommand,
  cancelCommand,
  resultCommand,
  retryCommand,
  runsCommand,
  showCommand,
} from './commands/inspect.js';
import { offlineModelCommand, workerCommand } from './commands/processes.js';
import { runCommand } from './commands/run.js';
import { exitCodes, reportError } from './output.js';

function version(): string {
  for (const path of ['../../package.json', '../package.json']) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as Record<
        string,
        string
      >;
      if (name === 'segno' && version) return version;
    } catch {
      continue;
    }
  }
  return 'unknown';
}

const program = new Command('segno')
  .description('Durable orchestration for teams of AI agents, on Temporal.')
  .version(version())
  .addHelpText(
    'after',
    '\nExamples:\n  $ segno dev\n  $ segno run investor-report --input report.pdf --out summary.pdf\n  $ segno show RUN\n  $ segno doctor',
  );

const commands = [
  devCommand(),
  runCommand(),
  runsCommand(),
  showCommand(),
  resultCommand(),
  cancelCommand(),
  retryCommand(),
  agentsCommand(),
  workerCommand(),
  approveCommand(),
  offlineModelCommand(),
  doctorCommand(),
];
for (const command of commands) program.addCommand(command);
for (const command of [program, ...commands]) command.exitOverride().showHelpAfterError('(--help shows what it takes)');

const json = process.argv.includes('--json');
try {
  await program.parseAsync();
} catch (error) {
  // Commander has printed its own message; help and version are no errors.
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : exitCodes.usage;
  else reportError(error, { json, debug: process.env['SEGNO_DEBUG'] !== undefined });
}
// Sockets that are still closing must not keep the command.
process.exit();

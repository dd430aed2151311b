#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { approveCommand } from './commands/approve.js';
import { budgetsCommand } from './commands/budgets.js';
import { chaosCommand } from './commands/chaos.js';
import { devCommand } from './commands/dev.js';
import { doctorCommand } from './commands/doctor.js';
import { effectsCommand } from './commands/effects.js';
import { eventCommand } from './commands/event.js';
import { examplesCommand, initCommand } from './commands/init.js';
import {
  agentsCommand,
  cancelCommand,
  resultCommand,
  retryCommand,
  runsCommand,
  showCommand,
} from './commands/inspect.js';
import { offlineModelCommand, workerCommand } from './commands/processes.js';
import { planCommand } from './commands/plan.js';
import { resolveCommand } from './commands/resolve.js';
import { runCommand } from './commands/run.js';
import { costsCommand, providersCommand } from './commands/spending.js';
import { statsCommand } from './commands/stats.js';
import { exitCodes, reportError } from './output.js';
import { ownPackage } from './ownPackage.js';

const program = new Command('segno')
  .description('Durable orchestration for teams of AI agents, on Temporal.')
  .version(ownPackage().version)
  .addHelpText(
    'after',
    '\nExamples:\n  $ segno dev\n  $ segno run investor-report --input report.pdf --out summary.pdf\n  $ segno show RUN\n  $ segno doctor',
  );

const commands = [
  initCommand(),
  examplesCommand(),
  devCommand(),
  runCommand(),
  planCommand(),
  runsCommand(),
  showCommand(),
  resultCommand(),
  cancelCommand(),
  retryCommand(),
  approveCommand(),
  eventCommand(),
  resolveCommand(),
  effectsCommand(),
  costsCommand(),
  budgetsCommand(),
  providersCommand(),
  statsCommand(),
  agentsCommand(),
  workerCommand(),
  offlineModelCommand(),
  chaosCommand(),
  doctorCommand(),
];
for (const command of commands) program.addCommand(command);
for (const command of withInner(program)) command.exitOverride().showHelpAfterError('(--help shows what it takes)');

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

function withInner(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withInner)];
}

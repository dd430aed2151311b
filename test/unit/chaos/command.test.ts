import { type Command, CommanderError } from 'commander';
import { describe, expect, it } from 'vitest';
import { chaosCommand } from '../../../cli/commands/chaos.js';

/** What the command says of wrong usage; it never gets as far as the stack. */
async function complaint(args: string): Promise<string> {
  let said = '';
  const quiet = (command: Command): Command =>
    command.exitOverride().configureOutput({ writeErr: (text) => (said += text) });
  const command = quiet(chaosCommand());
  command.commands.forEach(quiet);
  await expect(command.parseAsync(args.split(' '), { from: 'user' })).rejects.toBeInstanceOf(CommanderError);
  return said;
}

describe('segno chaos', () => {
  it.each([
    ['--seed 7', 'say what: --provider, --tool, --worker, --ledger or --temporal'],
    ['--provider flood', 'one of 400, 401'],
    ['--provider 429 --share 0.5 --every 2', 'both share and every'],
    ['--provider 429 --share 2', 'above 0 and up to 1'],
    ['--tool kill', 'before or after'],
    ['--ledger full', 'kill or pause'],
    ['--ledger pause --every 10s', 'a pause lasts until its rule ends'],
    ['--worker kill --every 10ms', 'everyMs'],
    ['--worker kill --of mail', '--of names a model'],
    ['--worker kill --tool before --of mail', '--of is of calls: --provider and --tool take it, --worker does not'],
    ['--worker kill --share 0.1', '--share is of calls: --provider and --tool take it, --worker does not'],
    ['--ledger kill --temporal kill --limit 2', '--limit is of calls: --provider and --tool take it, --ledger and'],
    ['--worker kill --every 3', '--every with a number is of calls: --provider and --tool take it, --worker does not'],
    [
      '--provider 429 --every 10s',
      '--every with a time is of kills: --worker, --ledger and --temporal take it, --provider',
    ],
    ['--provider 429 --tool after --of mail', '--of names a model'],
    ['--worker kill --for 2h', 'an hour at most'],
    ['--worker kill --for soon', 'a length of time'],
    ['status --verbose', "unknown option '--verbose'"],
  ])('%s is wrong usage', async (args, message) => {
    expect(await complaint(args)).toContain(message);
  });
});

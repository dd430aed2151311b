import { Command } from 'commander';
import type { SegnoClient } from '../../client/index.js';
import { type ProjectFlags, withClient } from '../openProject.js';
import { seconds } from '../optionValues.js';
import { colours, printable, printJson } from '../output.js';
import { readJson } from '../readJson.js';

interface Flags extends ProjectFlags {
  key?: string;
  data?: string;
  id?: string;
  wait?: number;
  json: boolean;
}

const examples = `
Examples:
  $ segno event demo paid
  $ segno event demo paid --key order-17 --data '{"amount":12.5}'
  $ segno event demo paid --data payment.json --id evt_1Nx2    sent again under its id, it counts once
  $ curl -s https://bank.example/payments/17 | segno event demo paid --data -

A run that does not wait for it yet keeps it.`;

export function eventCommand(): Command {
  return new Command('event')
    .description('send an event to a run that waits for it, or will')
    .argument('<run>', "the run's id, or that of a child workflow that waits")
    .argument('<name>', 'the name of the event')
    .option('--key <key>', 'whom or what it is about')
    .option('--data <json>', 'its data: JSON, a file that holds it, or - for standard input')
    .option('--id <id>', 'what tells it from all others; sent twice under one id, it counts once (default: a new one)')
    .option('--wait <seconds>', 'how long to wait for a worker to take it (default: 60)', seconds)
    .option('--json', 'print JSON', false)
    .option('--config <file>', 'the config, if it is not segno.config.ts here or above')
    .addHelpText('after', examples)
    .action(async (run: string, name: string, flags: Flags) => {
      const data = flags.data === undefined ? undefined : await readJson(flags.data, '--data');
      await withClient(flags, (client) => send(client, run, name, data, flags));
    });
}

async function send(client: SegnoClient, run: string, name: string, data: unknown, flags: Flags): Promise<void> {
  const receipt = await client.sendEvent(run, name, {
    ...(flags.key !== undefined && { key: flags.key }),
    ...(data !== undefined && { data }),
    ...(flags.id !== undefined && { id: flags.id }),
    ...(flags.wait !== undefined && { timeoutMs: Math.round(flags.wait * 1_000) }),
    onNoWorker: () => {
      if (flags.json) return;
      process.stderr.write(
        'No worker has taken the event yet; waiting for one. Sending it again with the same --id is safe.\n',
      );
    },
  });
  if (flags.json) return printJson({ run, ...receipt });
  const c = colours(process.stdout);
  const what = {
    taken: `${c.green('Taken')} by ${printable(run)}`,
    kept: `${c.yellow('Kept')} by ${printable(run)}, which does not wait for it yet`,
    known: `Known to ${printable(run)}: it has come before, and counts once`,
  }[receipt.state];
  process.stdout.write(`${what} (${printable(name)}, id ${printable(receipt.id)}).\n`);
}

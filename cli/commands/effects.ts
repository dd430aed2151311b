import { once } from 'node:events';
import { Command, Option } from 'commander';
import type { EffectRecord } from '../../client/index.js';
import { type ProjectFlags, withClient } from '../openProject.js';
import { colours, printable } from '../output.js';

interface Flags extends ProjectFlags {
  json: boolean;
  csv: boolean;
}

const examples = `
Examples:
  $ segno effects demo                     calls of tools that change something, with what became of them
  $ segno effects demo --csv > audit.csv
  $ segno effects demo --json | jq -r 'select(.outcome == "unknown") | .step'

All executions that had the run's id are listed, with their children. --json prints one JSON object a line.`;

export function effectsCommand(): Command {
  return new Command('effects')
    .description('what a run did to the world: every call of a tool that changes something')
    .argument('<run>', "the run's id")
    .addOption(new Option('--json', 'print JSON, one object a line').default(false).conflicts('csv'))
    .addOption(new Option('--csv', 'print comma-separated values (RFC 4180)').default(false))
    .option('--config <file>', 'the config, if it is not segno.config.ts here or above')
    .addHelpText('after', examples)
    .action(async (run: string, flags: Flags) => {
      await withClient(flags, async (client) => {
        if (flags.csv) await write(`${columns.join(',')}\r\n`);
        let count = 0;
        for await (const effect of client.effects(run)) {
          count += 1;
          await write(flags.json ? `${JSON.stringify(effect)}\n` : flags.csv ? csvLine(effect) : described(effect));
        }
        if (count === 0 && !flags.json && !flags.csv)
          await write(`${printable(run)} has called no tool that changes something.\n`);
      });
    });
}

/** Waits for a slow reader: what is listed may be much. */
async function write(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain');
}

const columns = [
  ...['runId', 'workflowId', 'step', 'tool', 'startedAt', 'finishedAt', 'attempts', 'idempotencyKey', 'input'],
  ...['inputSha256', 'outcome', 'error', 'settledAs', 'settledBy', 'settledAt', 'undoneBy'],
] as const;

function csvLine({ input, error, settled, ...effect }: EffectRecord): string {
  const cells: Partial<Record<(typeof columns)[number], unknown>> = {
    ...effect,
    ...(input !== undefined && { input: JSON.stringify(input) }),
    ...(error && { error: `${error.type}: ${error.message}` }),
    ...(settled && { settledAs: settled.as, settledBy: settled.by, settledAt: settled.at }),
  };
  return `${columns.map((column) => quoted(String(cells[column] ?? ''))).join(',')}\r\n`;
}

/** A cell that a spreadsheet would take for a formula is text. */
function quoted(cell: string): string {
  const safe = /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

const longestInput = 100;

function described({
  step,
  tool,
  startedAt,
  attempts,
  input,
  inputSha256,
  outcome,
  settled,
  undoneBy,
  error,
}: EffectRecord): string {
  const c = colours(process.stdout);
  const colour = { done: c.green, undone: c.cyan, failed: c.red, unknown: c.yellow, running: c.dim }[outcome];
  const shown =
    input === undefined ? (inputSha256 === undefined ? '' : `sha256 ${inputSha256}`) : JSON.stringify(input);
  const more = [
    ...(attempts > 1 ? [`${attempts} attempts`] : []),
    ...(settled ? [`settled as ${settled.as} by ${settled.by}`] : []),
    ...(undoneBy === undefined ? [] : [`by ${undoneBy.slice(undoneBy.indexOf('/') + 1)}`]),
    ...(error ? [error.type] : []),
  ].join(', ');
  const when = startedAt.replace('T', ' ').slice(0, 19);
  const line = `${c.dim(when)}  ${colour(outcome.padEnd(7))}  ${printable(step)}  ${c.dim(printable(more))}`.trimEnd();
  return `${line}\n${c.dim(`  ${printable(tool)} ${printable(shown.slice(0, longestInput))}`)}\n`;
}

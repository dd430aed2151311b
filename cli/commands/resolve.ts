import { Command } from 'commander';
import type { SegnoClient, UnknownEffect } from '../../client/index.js';
import { SegnoError } from '../../core/errors.js';
import type { OutcomeAnswer } from '../../core/outcome.js';
import { describeIssues } from '../../core/schema.js';
import { loadProject } from '../../workers/loadProject.js';
import { type ProjectFlags, withClient } from '../openProject.js';
import { colours, printable, printJson } from '../output.js';
import { readJson } from '../readJson.js';
import { quoted } from '../renderUnderWay.js';
import { userName } from '../userName.js';

interface Flags extends ProjectFlags {
  done?: string;
  repeat: boolean;
  fail: boolean;
  by?: string;
  json: boolean;
}

const examples = `
Examples:
  $ segno resolve demo                                          effects of demo whose outcome is unknown
  $ segno resolve demo 'charge#1' --done '{"id":"ch_17"}'       it took effect; this is its output (JSON, a file, or -)
  $ segno resolve demo 'charge#1' --repeat                      it did not: call it again
  $ segno resolve demo 'charge#1' --fail                        count it as failed
  $ segno retry demo                                            go on: a resolved step is not done twice

A run that waits for the answer goes on with it at once. For one that has ended the answer is kept for \`segno retry\`.`;

export function resolveCommand(): Command {
  return new Command('resolve')
    .description('say what became of an effect whose outcome was lost')
    .argument('<run>', "the run's id")
    .argument('[step]', 'path of the step, if several are unknown')
    .option('--done <output>', "it took effect: the tool's output, as JSON, a JSON file, or - for standard input")
    .option('--repeat', 'it did not: call the tool again, under the same idempotency key', false)
    .option('--fail', 'count it as failed', false)
    .option('--by <name>', 'who says so (default: your user name here)')
    .option('--json', 'print JSON', false)
    .option('--config <file>', 'the config, if it is not segno.config.ts here or above')
    .addHelpText('after', examples)
    .action(async (run: string, step: string | undefined, flags: Flags, command: Command) => {
      const { done, repeat, fail } = flags;
      const given = [done !== undefined, repeat, fail].filter(Boolean).length;
      if (given > 1 || (step !== undefined && given === 0)) {
        command.error('error: say one of --done, --repeat and --fail', { exitCode: 2 });
      }
      await withClient(flags, (client) => (given === 0 ? list(client, run, flags) : resolve(client, run, step, flags)));
    });
}

async function list(client: SegnoClient, run: string, { json }: Flags): Promise<void> {
  const effects = await client.unknownEffects(run);
  if (json) return printJson(effects);
  if (effects.length === 0) return void process.stdout.write(`No effect of ${run} has an unknown outcome.\n`);
  process.stdout.write(`${effects.map((effect) => described(run, effect)).join('\n')}\n`);
}

function described(run: string, { step, tool, sentAt, idempotencyKey, waits, said }: UnknownEffect): string {
  const c = colours(process.stdout);
  const answer = said && (typeof said.answer === 'string' ? said.answer : 'done');
  const state = said ? `${said.by} says: ${answer}; segno retry ${quoted(run)}` : waits ? 'the run waits' : 'unknown';
  return [
    `${c.bold(printable(step))}  ${printable(tool)}, called ${sentAt}  ${c.yellow(printable(state))}`,
    c.dim(`  idempotency key ${printable(idempotencyKey)}`),
    c.cyan(`  segno resolve ${quoted(run)} ${quoted(step)} --done OUTPUT | --repeat | --fail`),
  ].join('\n');
}

async function resolve(client: SegnoClient, run: string, step: string | undefined, flags: Flags): Promise<void> {
  const answer = await answerOf(flags);
  if (typeof answer === 'object') await checkOutput(client, run, step, answer.done, flags);
  const effect = await client.resolve(run, {
    ...(step !== undefined && { step }),
    ...{ answer, by: flags.by ?? userName() },
  });
  if (flags.json) return printJson({ run, ...effect });
  const next = effect.waits ? 'The run goes on with it.' : `\`segno retry ${quoted(run)}\` goes on with it.`;
  const what =
    typeof answer === 'object' ? 'took effect' : answer === 'repeat' ? 'is called again' : 'counts as failed';
  process.stdout.write(`${printable(effect.step)} of ${printable(run)} ${what}. ${next}\n`);
}

async function answerOf({ done, repeat }: Flags): Promise<OutcomeAnswer> {
  if (done === undefined) return repeat ? 'repeat' : 'fail';
  return { done: await readJson(done, '--done') };
}

/** The worker checks it too, when it goes on with it; here the person is still there. */
async function checkOutput(
  client: SegnoClient,
  run: string,
  step: string | undefined,
  output: unknown,
  flags: Flags,
): Promise<void> {
  const effects = await client.unknownEffects(run);
  const effect = step === undefined ? effects[0] : effects.find((one) => one.step === step);
  if (!effect) return;
  const project = await loadProject(flags.config === undefined ? { dir: process.cwd() } : { configPath: flags.config });
  const parsed = project.config.tools.get(effect.tool)?.output.safeParse(output);
  if (!parsed || parsed.success) return;
  throw new SegnoError(
    'Tool.InvalidOutput',
    `this is not what ${effect.tool} returns:\n${describeIssues(parsed.error)}`,
  );
}

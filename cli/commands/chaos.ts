/** `segno chaos`: faults for the development stack of this folder, by rules that end by themselves. */
import { randomInt } from 'node:crypto';
import { Command, InvalidArgumentError, Option } from 'commander';
import { type ActiveRule, type ChaosRule, isAtWork, longestRuleMs } from '../../core/chaos/rule.js';
import { offlineModelNames, type ResolvedConfig } from '../../core/config.js';
import { developmentStack } from '../../workers/chaos/developmentStack.js';
import { chaosFile, readRules, readStrikes, writeRules } from '../../workers/chaos/rulesFile.js';
import { stackDir } from '../../workers/embedded/stackState.js';
import { loadProject } from '../../workers/loadProject.js';
import { every, type RuleFlags, rulesOf, share } from '../chaosRules.js';
import { type ProjectFlags, projectDir } from '../openProject.js';
import { durationMs, wholeNumber } from '../optionValues.js';
import { formatDuration, printJson, table } from '../output.js';

interface Flags extends ProjectFlags, RuleFlags {
  for: number;
  seed?: number;
  json: boolean;
}

const defaultForMs = 30_000;
const configFlag = ['--config <file>', 'the config, if it is not segno.config.ts here or above'] as const;
const jsonFlag = ['--json', 'print JSON', false] as const;

const examples = `
Examples:
  $ segno chaos --provider 429 --share 0.2            a fifth of the model calls meets a rate limit, for 30 s
  $ segno chaos --provider 500 --of segno-offline     an outage of that model
  $ segno chaos --provider stall --every 10 --for 5m  every tenth answer never comes
  $ segno chaos --provider '{"kind":"429","retryAfterSeconds":5}'
  $ segno chaos --tool after --of bookRoom --limit 1  bookRoom throws once, after its effect
  $ segno chaos --worker kill --every 10s --for 1m    kill -9, once in every 10 s
  $ segno chaos --ledger pause --for 8s               the database does not answer
  $ segno chaos status                                what is at work, and how often it has struck
  $ segno chaos stop                                  end it now

Only an embedded \`segno dev\` without outside servers and without providers is touched. Every rule ends by itself.
The same --seed makes the same choices. Faults of providers: docs/chaos.md.`;

export function chaosCommand(): Command {
  return (
    new Command('chaos')
      .description('inject faults into the development stack of this folder')
      .option('--provider <fault>', 'what the offline model does wrong: 429, 500, stall, cut, slow, wrong-usage, …')
      .option('--tool <fault>', 'tools throw `before` or `after` they take effect')
      .option('--worker <fault>', '`kill` or `pause` it')
      .option('--ledger <fault>', '`kill` or `pause` it')
      .option('--temporal <fault>', '`kill` or `pause` it')
      .option('--of <name>', 'only this model, or this tool')
      .option('--share <share>', 'of the calls, above 0 and up to 1 (default: all)', share)
      .option('--every <n>', 'every nth call; of kills, one in every such time: 10s', every)
      .option('--limit <n>', 'no more than so many', wholeNumber(1, 1_000_000))
      .addOption(
        new Option('--for <time>', 'how long: 500ms, 30s, 5m, at most 1h')
          .argParser(boundedFor)
          .default(defaultForMs, '30s'),
      )
      .option('--seed <n>', 'of the choices (default: drawn and printed)', wholeNumber(0, 2 ** 31 - 1))
      .option(...jsonFlag)
      .option(...configFlag)
      .addHelpText('after', examples)
      .action((flags: Flags, command: Command) => inject(flags, command))
      // What these share with the command itself, Commander gives to the command.
      .addCommand(
        new Command('status')
          .description('show what is at work, and how often it has struck')
          .option(...jsonFlag)
          .option(...configFlag)
          .addHelpText('after', '\nExamples:\n  $ segno chaos status\n  $ segno chaos status --json')
          .action((_flags, command: Command) => status(command.optsWithGlobals())),
      )
      .addCommand(
        new Command('stop')
          .description('end all of it now')
          .option(...jsonFlag)
          .option(...configFlag)
          .addHelpText('after', '\nExamples:\n  $ segno chaos stop')
          .action((_flags, command: Command) => stop(command.optsWithGlobals())),
      )
  );
}

async function inject(flags: Flags, command: Command): Promise<void> {
  const rules = rulesOf(flags, command);
  const { file, config } = await target(flags);
  for (const rule of rules) checkName(rule, config, command);
  const seed = flags.seed ?? randomInt(2 ** 31 - 1);
  const startsAtMs = Date.now();
  const before = readRules(file).filter((rule) => isAtWork(rule, startsAtMs));
  const active = rules.map((rule, index): ActiveRule => ({
    id: `${rule.at}-${startsAtMs.toString(36)}-${index + 1}`,
    rule,
    seed: seed + index,
    startsAtMs,
    endsAtMs: startsAtMs + flags.for,
  }));
  writeRules(file, [...before, ...active]);
  if (flags.json) return printJson({ seed, rules: active });
  const what = rules.map(({ at, fault }) => `${at} ${kindOf(fault)}`).join(', ');
  process.stdout.write(
    `${what}: for ${formatDuration(flags.for)}, seed ${seed}. \`segno chaos stop\` ends it now, \`segno chaos status\` counts.\n`,
  );
}

/** A rule about what is not there would strike nothing, and say nothing. */
function checkName(rule: ChaosRule, { tools }: ResolvedConfig, command: Command): void {
  const check = (what: string, name: string | undefined, known: readonly string[]): void => {
    if (name === undefined || known.includes(name)) return;
    command.error(`error: there is no ${what} ${name}; there are: ${known.join(', ') || 'none'}`);
  };
  if (rule.at === 'tool') check('tool', rule.tool, [...tools.keys()]);
  if (rule.at === 'provider') check('model', rule.model, offlineModelNames);
}

async function status(flags: Flags): Promise<void> {
  const { file } = await target(flags);
  const strikes = readStrikes(file);
  const nowMs = Date.now();
  const rules = readRules(file).map((rule) => ({
    ...rule,
    atWork: isAtWork(rule, nowMs),
    strikes: strikes.filter((strike) => strike.rule === rule.id).length,
  }));
  if (flags.json) return printJson(rules);
  if (rules.length === 0) return void process.stdout.write('No faults are injected.\n');
  const rows = rules.map(({ rule, seed, atWork, strikes, endsAtMs }) => [
    rule.at,
    kindOf(rule.fault),
    describeOften(rule),
    String(strikes),
    atWork ? formatDuration(endsAtMs - nowMs) : 'over',
    String(seed),
  ]);
  process.stdout.write(`${table(['AT', 'FAULT', 'WHICH', 'STRUCK', 'ENDS IN', 'SEED'], rows)}\n`);
}

async function stop(flags: Flags): Promise<void> {
  const { file } = await target(flags);
  const nowMs = Date.now();
  const rules = readRules(file);
  const ended = rules.filter((rule) => isAtWork(rule, nowMs)).length;
  writeRules(
    file,
    rules.map((rule) => ({ ...rule, endsAtMs: Math.min(rule.endsAtMs, nowMs) })),
  );
  if (flags.json) return printJson({ ended });
  process.stdout.write(ended === 0 ? 'No faults were injected.\n' : `Ended ${ended}.\n`);
}

/** @throws SegnoError `Chaos.Refused`, `Stack.NotRunning` */
async function target(flags: ProjectFlags): Promise<{ file: string; config: ResolvedConfig }> {
  const dir = projectDir(flags);
  const { config } = await loadProject(flags.config === undefined ? { dir } : { configPath: flags.config });
  developmentStack(dir, process.env, config);
  return { file: chaosFile(stackDir(dir)), config };
}

function kindOf(fault: ChaosRule['fault']): string {
  return typeof fault === 'string' ? fault : fault.kind;
}

function describeOften(rule: ChaosRule): string {
  const parts = [
    'model' in rule && rule.model,
    'tool' in rule && rule.tool,
    'share' in rule && rule.share !== undefined && `share ${rule.share}`,
    'every' in rule && rule.every !== undefined && `every ${rule.every}`,
    'limit' in rule && rule.limit !== undefined && `at most ${rule.limit}`,
    'everyMs' in rule && rule.everyMs !== undefined && `every ${formatDuration(rule.everyMs)}`,
  ];
  return parts.filter((part) => typeof part === 'string').join(', ') || 'all';
}

function boundedFor(source: string): number {
  const value = durationMs(source);
  if (value > longestRuleMs) throw new InvalidArgumentError('It is an hour at most.');
  return value;
}

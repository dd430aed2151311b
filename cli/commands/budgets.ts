/** The command on budgets: what is spent of them, who waits for more, and giving more. */
import { userInfo } from 'node:os';
import { Command, InvalidArgumentError } from 'commander';
import type { BudgetDetails, RaisedBudget, SegnoClient } from '../../client/index.js';
import { limitedUnits } from '../../client/budgets.js';
import { type RaiseAmounts, raiseUnits } from '../../core/admission/raise.js';
import { picoToUsd } from '../../core/money.js';
import { type ProjectFlags, withClient } from '../openProject.js';
import { positive, wholeNumber } from '../optionValues.js';
import { colours, formatCost, formatDuration, formatTokens, printable, printJson, table } from '../output.js';
import { mostOf } from '../runBudget.js';
import { minute, quoted, warningLine } from '../renderUnderWay.js';

interface Flags extends ProjectFlags {
  json: boolean;
}

interface RaiseFlags extends Flags {
  usd?: number;
  tokens?: number;
  calls?: number;
  seconds?: number;
  by?: string;
}

const examples = `
Examples:
  $ segno budgets
  $ segno budgets demo                                   a run's, with who spent them
  $ segno budgets named/research/day/2026-11-21
  $ segno budgets --json
  $ segno budgets raise named/research/day/2026-11-21 --usd 1 --calls 50`;

const raiseExamples = `
Examples:
  $ segno budgets raise run/0f1e2d3c-… --usd 1
  $ segno budgets raise tenant/acme/month/2026-11 --tokens 100000 --calls 500

KEY is in the first column of \`segno budgets\`. Runs that wait for the budget go on at once. A command given twice raises twice.`;

export function budgetsCommand(): Command {
  return new Command('budgets')
    .description('show budgets: what is spent, what calls under way hold, who waits for more; or raise one')
    .argument('[run]', 'only the budgets of the run with this id, or the budget of this key, with who spent it')
    .option('--json', 'print JSON', false)
    .option('--config <file>', 'the config, if it is not segno.config.ts here or above')
    .addHelpText('after', examples)
    .action(async (run: string | undefined, flags: Flags) => {
      await withClient(flags, (client) => list(client, run, flags));
    })
    .addCommand(raiseCommand());
}

function raiseCommand(): Command {
  return new Command('raise')
    .description('give a budget more, on top of what it has')
    .argument('<key>', 'of the budget')
    .option('--usd <amount>', 'so much money', dollars)
    .option('--tokens <n>', 'so many tokens', wholeNumber(1, mostOf.tokens))
    .option('--calls <n>', 'so many calls', wholeNumber(1, mostOf.calls))
    .option('--seconds <n>', 'so much time', wholeNumber(1, mostOf.seconds))
    .option('--by <name>', 'who raises it (default: your user name here)')
    .option('--json', 'print JSON', false)
    .option('--config <file>', 'the config, if it is not segno.config.ts here or above')
    .addHelpText('after', raiseExamples)
    .action(async (key: string, _own: RaiseFlags, command: Command) => {
      // --json and --config are the outer command's as well, which takes them first.
      const flags = command.optsWithGlobals<RaiseFlags>();
      const { usd, tokens, calls, seconds: time } = flags;
      const amounts: RaiseAmounts = {
        ...(usd !== undefined && { usd }),
        ...(tokens !== undefined && { tokens }),
        ...(calls !== undefined && { calls }),
        ...(time !== undefined && { wallMs: time * 1_000 }),
      };
      if (Object.keys(amounts).length === 0) {
        command.error('error: say by how much: --usd, --tokens, --calls or --seconds');
      }
      const by = flags.by ?? userName();
      const raised = await withClient(flags, async (client) => {
        const [budget] = await client.budgets({ key });
        if (budget) failUnlessLimited(budget, amounts, command);
        return client.raiseBudget(key, { ...amounts, ...(by !== undefined && { by }) });
      });
      if (flags.json) return printJson(raised);
      process.stdout.write(`${raisedLines(raised).join('\n')}\n`);
    });
}

const optionOf = { usd: '--usd', tokens: '--tokens', calls: '--calls', wallMs: '--seconds' } as const;

/** What has no limit cannot be raised. */
function failUnlessLimited(budget: BudgetDetails, amounts: RaiseAmounts, command: Command): void {
  const limited = limitedUnits(budget);
  const wrong = raiseUnits.find((unit) => amounts[unit] !== undefined && !limited.includes(unit));
  if (wrong === undefined) return;
  const options = limited.map((unit) => optionOf[unit]).join(' or ');
  command.error(`error: ${optionOf[wrong]}: ${printable(budget.key)} has no such limit; raise it by ${options}`);
}

function dollars(source: string): number {
  const value = positive(source);
  if (value > mostOf.usd) throw new InvalidArgumentError(`It is at most ${mostOf.usd}.`);
  return value;
}

function raisedLines({ budget, woken }: RaisedBudget): string[] {
  const waited = woken === 0 ? 'Nobody waited for it.' : `${woken} ${woken === 1 ? 'run goes' : 'runs go'} on.`;
  return [`${colours(process.stdout).green('Raised')} ${printable(budget.key)}. ${waited}`, budgetTable([budget])];
}

async function list(client: SegnoClient, of: string | undefined, flags: Flags): Promise<void> {
  const budgets =
    of === undefined ? await client.budgets(flags.json ? {} : { limit: mostShown + 1 }) : await named(client, of);
  if (flags.json) return printJson(budgets);
  if (budgets.length === 0) {
    const whose = of === undefined ? 'No budgets yet' : `The run ${printable(of)} has no budget`;
    return void process.stdout.write(`${whose}. \`segno run … --budget usd=0.05\` sets one for a run.\n`);
  }
  const c = colours(process.stdout);
  const shown = budgets.slice(0, mostShown);
  const warnings = shown.flatMap(({ key, warnings: told }) => told.map((warning) => ({ budget: key, ...warning })));
  const lines = [
    budgetTable(shown),
    ...(shown.length < budgets.length ? [`… and older ones; --json has them`] : []),
    ...spenderLines(shown),
    ...warnings.map((warning) => c.yellow(`${warningLine(warning)}, ${minute(warning.at)}`)),
    ...shown.flatMap(waitingLines).map(c.yellow),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

/** @throws SegnoError `Run.Unknown` */
async function named(client: SegnoClient, of: string): Promise<BudgetDetails[]> {
  const byKey = await client.budgets({ key: of });
  return byKey.length > 0 ? byKey : client.budgets({ run: of });
}

const shownSpenders = 10;

function spenderLines(budgets: readonly BudgetDetails[]): string[] {
  const rows = budgets.flatMap(({ key, spenders = [] }) => [
    ...spenders
      .slice(0, shownSpenders)
      .map(({ name, calls, tokens, costPicoUsd }) => [
        key,
        name,
        String(calls),
        formatTokens(tokens),
        formatCost(picoToUsd(costPicoUsd)),
      ]),
    ...(spenders.length > shownSpenders
      ? [[key, `… and ${spenders.length - shownSpenders} more; --json has them`]]
      : []),
  ]);
  return rows.length === 0 ? [] : ['', table(['BUDGET', 'SPENT BY', 'CALLS', 'TOKENS', 'COST'], rows)];
}

const mostShown = 200;
const mostWaiting = 5;

function waitingLines(budget: BudgetDetails): string[] {
  const { key, waiting } = budget;
  if (waiting.length === 0) return [];
  const [unit = 'usd'] = limitedUnits(budget);
  return [
    ...waiting
      .slice(0, mostWaiting)
      .map(
        ({ run, path, since }) =>
          `${printable(run)} waits for ${printable(key)} since ${minute(since)}, at ${printable(path)}`,
      ),
    ...(waiting.length > mostWaiting ? [`… and ${waiting.length - mostWaiting} more`] : []),
    `  segno budgets raise ${quoted(key)} ${optionOf[unit]} AMOUNT`,
  ];
}

type Shown = Pick<BudgetDetails, 'key' | 'scope' | 'limits' | 'endsAt' | 'raised' | 'held' | 'spent'>;

function budgetTable(budgets: readonly Shown[]): string {
  return table(['BUDGET', 'OF', 'COST', 'TOKENS', 'CALLS', 'TIME', 'RAISED BY', 'HELD'], budgets.map(budgetCells));
}

function budgetCells({ key, scope, limits, endsAt, raised, held, spent }: Shown): string[] {
  const of = (used: string, limit: string | undefined): string => (limit === undefined ? used : `${used} of ${limit}`);
  const usd = (pico: bigint): string => formatCost(picoToUsd(pico));
  const more = [
    ...(raised.costPicoUsd > 0n ? [usd(raised.costPicoUsd)] : []),
    ...(raised.tokens > 0 ? [`${formatTokens(raised.tokens)} tokens`] : []),
    ...(raised.calls > 0 ? [`${raised.calls} calls`] : []),
  ];
  return [
    key,
    scope ?? '',
    of(usd(spent.costPicoUsd), limits.costPicoUsd === undefined ? undefined : usd(limits.costPicoUsd)),
    of(formatTokens(spent.tokens), limits.tokens === undefined ? undefined : formatTokens(limits.tokens)),
    of(String(spent.calls), limits.calls === undefined ? undefined : String(limits.calls)),
    endsAt === undefined ? '' : timeLeft(Date.parse(endsAt) - Date.now()),
    more.join(', '),
    held.calls === 0 ? '' : `${usd(held.costPicoUsd)}, ${formatTokens(held.tokens)} tokens in ${held.calls} calls`,
  ];
}

function timeLeft(ms: number): string {
  return ms > 0 ? `ends in ${formatDuration(ms)}` : 'ended';
}

function userName(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    return undefined;
  }
}

/** The command on budgets: what is spent of them, who waits for more, and giving more. */
import { userInfo } from 'node:os';
import { Command } from 'commander';
import type { BudgetDetails, RaisedBudget, SegnoClient } from '../../client/index.js';
import type { RaiseAmounts } from '../../core/admission/raise.js';
import { picoToUsd } from '../../core/money.js';
import { type ProjectFlags, withClient } from '../openProject.js';
import { positive, seconds, wholeNumber } from '../optionValues.js';
import { colours, formatCost, formatTokens, printable, printJson, table } from '../output.js';
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
  $ segno budgets demo
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
    .argument('[run]', 'only the budgets of the run with this id')
    .option('--json', 'print JSON', false)
    .option('--config <file>', 'the config, if it is not segno.config.ts here or above')
    .addHelpText('after', examples)
    .action(async (run: string | undefined, flags: Flags) => {
      await withClient(flags, (client) => list(client, run, flags));
    })
    .addCommand(raiseCommand());
}

function raiseCommand(): Command {
  const most = Number.MAX_SAFE_INTEGER;
  return new Command('raise')
    .description('give a budget more, on top of what it has')
    .argument('<key>', 'of the budget')
    .option('--usd <amount>', 'so much money', positive)
    .option('--tokens <n>', 'so many tokens', wholeNumber(1, most))
    .option('--calls <n>', 'so many calls', wholeNumber(1, most))
    .option('--seconds <n>', 'so much time', seconds)
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
        ...(time !== undefined && { wallMs: Math.round(time * 1_000) }),
      };
      if (Object.keys(amounts).length === 0) {
        command.error('error: say by how much: --usd, --tokens, --calls or --seconds', { exitCode: 2 });
      }
      const by = flags.by ?? userName();
      const raised = await withClient(flags, (client) =>
        client.raiseBudget(key, { ...amounts, ...(by !== undefined && { by }) }),
      );
      if (flags.json) return printJson(raised);
      process.stdout.write(`${raisedLines(raised).join('\n')}\n`);
    });
}

function raisedLines({ budget, woken }: RaisedBudget): string[] {
  const waited = woken === 0 ? 'Nobody waited for it.' : `${woken} ${woken === 1 ? 'run goes' : 'runs go'} on.`;
  return [`${colours(process.stdout).green('Raised')} ${printable(budget.key)}. ${waited}`, budgetTable([budget])];
}

async function list(client: SegnoClient, run: string | undefined, flags: Flags): Promise<void> {
  const budgets = await client.budgets(run === undefined ? {} : { run });
  if (flags.json) return printJson(budgets);
  if (budgets.length === 0) {
    const whose = run === undefined ? 'No budgets yet' : `The run ${run} has no budget`;
    return void process.stdout.write(`${whose}. \`segno run … --budget usd=0.05\` sets one for a run.\n`);
  }
  const c = colours(process.stdout);
  const warnings = budgets.flatMap(({ key, warnings: told }) => told.map((warning) => ({ budget: key, ...warning })));
  const lines = [
    budgetTable(budgets),
    ...warnings.map((warning) => c.yellow(`${warningLine(warning)}, ${minute(warning.at)}`)),
    ...budgets.flatMap(waitingLines).map(c.yellow),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

const mostWaiting = 5;

function waitingLines({ key, limits, waiting }: BudgetDetails): string[] {
  if (waiting.length === 0) return [];
  const { costPicoUsd, tokens, calls } = limits;
  const unit =
    costPicoUsd !== undefined ? 'usd' : tokens !== undefined ? 'tokens' : calls !== undefined ? 'calls' : 'seconds';
  return [
    ...waiting
      .slice(0, mostWaiting)
      .map(
        ({ run, path, since }) =>
          `${printable(run)} waits for ${printable(key)} since ${minute(since)}, at ${printable(path)}`,
      ),
    ...(waiting.length > mostWaiting ? [`… and ${waiting.length - mostWaiting} more`] : []),
    `  segno budgets raise ${quoted(key)} --${unit} AMOUNT`,
  ];
}

type Shown = Pick<BudgetDetails, 'key' | 'scope' | 'limits' | 'raised' | 'held' | 'spent'>;

function budgetTable(budgets: readonly Shown[]): string {
  return table(['BUDGET', 'OF', 'COST', 'TOKENS', 'CALLS', 'RAISED BY', 'HELD'], budgets.map(budgetCells));
}

function budgetCells({ key, scope, limits, raised, held, spent }: Shown): string[] {
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
    more.join(', '),
    held.calls === 0 ? '' : `${usd(held.costPicoUsd)}, ${formatTokens(held.tokens)} tokens in ${held.calls} calls`,
  ];
}

function userName(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    return undefined;
  }
}

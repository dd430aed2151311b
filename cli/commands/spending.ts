/** Commands on what model calls cost, and on who answers them: costs, providers. */
import { Command, Option } from 'commander';
import { costGroups, type CostGroup, type Costs, type GateState } from '../../ledger/index.js';
import { picoToUsd } from '../../core/money.js';
import { wholeNumber } from '../optionValues.js';
import { type ProjectFlags, withClient } from '../openProject.js';
import { colours, formatCost, formatDuration, formatTokens, printJson, table } from '../output.js';

interface Flags extends ProjectFlags {
  json: boolean;
}

function reading(name: string, description: string, examples: readonly string[]): Command {
  return new Command(name)
    .description(description)
    .option('--json', 'print JSON', false)
    .option('--config <file>', 'the config, if it is not segno.config.ts here or above')
    .addHelpText('after', `\nExamples:\n${examples.map((example) => `  $ ${example}`).join('\n')}`);
}

const shownRows = 50;

export function costsCommand(): Command {
  return reading('costs', 'show what model calls have cost', [
    'segno costs',
    'segno costs --by agent --days 7',
    'segno costs --by day --json',
  ])
    .addOption(new Option('--by <group>', 'what to add up by').choices(costGroups).default('run'))
    .option('--days <n>', 'only calls of the last n days', wholeNumber(1, 100_000))
    .option(
      '--limit <n>',
      `so many rows at most (default: ${shownRows}; all of them with --json)`,
      wholeNumber(1, 1_000_000),
    )
    .action(async (flags: Flags & { by: CostGroup; days?: number; limit?: number }) => {
      const since = flags.days === undefined ? undefined : daysAgo(flags.days);
      const limit = flags.limit ?? (flags.json ? undefined : shownRows);
      const costs = await withClient(flags, (client) => client.costs({ by: flags.by, since, limit }));
      if (flags.json) {
        return printJson(costs.rows.map(({ costPicoUsd, ...row }) => ({ ...row, costUsd: picoToUsd(costPicoUsd) })));
      }
      const text = costs.rows.length === 0 ? 'No model calls yet.' : costsTable(costs, flags.by.toUpperCase());
      process.stdout.write(`${text}\n`);
    });
}

/** The rows there are, what the others come to, and the sum of all. */
export function costsTable({ rows, total }: Costs, heading: string): string {
  const cells = [...rows, ...(total.names > 1 ? [{ ...total, name: 'total' }] : [])].map((row) => [
    row.name,
    String(row.calls),
    formatTokens(row.inputTokens),
    formatTokens(row.outputTokens),
    `${formatCost(picoToUsd(row.costPicoUsd))}${row.estimated ? ' (at most)' : ''}`,
  ]);
  const lines = table([heading, 'CALLS', 'INPUT', 'OUTPUT', 'COST'], cells).split('\n');
  const hidden = total.names - rows.length;
  if (hidden > 0) {
    const calls = rows.reduce((left, row) => left - row.calls, total.calls);
    const cost = rows.reduce((left, row) => left - row.costPicoUsd, total.costPicoUsd);
    lines.splice(
      -1,
      0,
      `… and ${hidden} more: ${calls} ${calls === 1 ? 'call' : 'calls'}, ${formatCost(picoToUsd(cost))}`,
    );
  }
  return lines.join('\n');
}

export function providersCommand(): Command {
  return reading('providers', 'show providers and models: limits, health, and who waits', [
    'segno providers',
    'segno providers --json',
  ]).action(async (flags: Flags) => {
    const gates = await withClient(flags, (client) => client.providers());
    if (flags.json) return printJson(gates);
    if (gates.length === 0) return void process.stdout.write('No model calls yet.\n');
    process.stdout.write(`${gateTable(gates, Date.now())}\n`);
    const open = gates.filter(({ breaker }) => breaker === 'open');
    if (open.length > 0) {
      const c = colours(process.stdout);
      process.stdout.write(
        `${c.yellow(`${open.map(({ key }) => key).join(', ')}: no calls until a probe has gone well.`)}\n`,
      );
    }
  });
}

/** The column of money only where some gate limits it. */
export function gateTable(gates: readonly GateState[], nowMs: number): string {
  const money = gates.some(({ limits }) => limits.costPicoUsdPerMinute !== undefined);
  const headings = ['GATE', 'HEALTH', 'RUNNING', 'WAITING', 'REQUESTS/MIN', 'TOKENS/MIN'];
  return table(
    [...headings, ...(money ? ['USD/MIN'] : []), 'LAST FAULT'],
    gates.map((gate) => gateCells(gate, nowMs, money)),
  );
}

function gateCells(
  { key, limits, running, used, breaker, openUntil, pausedUntil, lastFault, waiting }: GateState,
  nowMs: number,
  money: boolean,
): string[] {
  const of = <A>(amount: A, limit: A | undefined, format: (amount: A) => string): string =>
    limit === undefined ? format(amount) : `${format(amount)} of ${format(limit)}`;
  const health = (): string => {
    if (breaker === 'off') return '';
    if (openUntil !== undefined) return `open, ${untilText(openUntil, nowMs)}`;
    if (pausedUntil !== undefined)
      return `left alone, ${formatDuration(Math.max(0, Date.parse(pausedUntil) - nowMs))} more`;
    return breaker === 'halfOpen' ? 'probing' : 'ok';
  };
  return [
    key,
    health(),
    of(running, limits.concurrency, formatTokens),
    waiting === 0 ? '' : String(waiting),
    of(used.requests, limits.requestsPerMinute, formatTokens),
    of(used.tokens, limits.tokensPerMinute, formatTokens),
    ...(money ? [of(used.costPicoUsd, limits.costPicoUsdPerMinute, (pico) => formatCost(picoToUsd(pico)))] : []),
    lastFault ? `${lastFault.type}, ${formatDuration(Math.max(0, nowMs - Date.parse(lastFault.at)))} ago` : '',
  ];
}

function untilText(until: string, nowMs: number): string {
  const leftMs = Date.parse(until) - nowMs;
  return leftMs > 0 ? `a probe in ${formatDuration(leftMs)}` : 'a probe with the next call';
}

function daysAgo(days: number): string {
  return new Date(Date.now() - days * 86_400_000).toISOString();
}

/** Commands on what model calls cost, and on who answers them: costs, providers. */
import { Command, Option } from 'commander';
import type { GateState } from '../../ledger/index.js';
import { costGroups, type CostGroup } from '../../ledger/index.js';
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

export function costsCommand(): Command {
  return reading('costs', 'show what model calls have cost', [
    'segno costs',
    'segno costs --by agent --days 7',
    'segno costs --by day --json',
  ])
    .addOption(new Option('--by <group>', 'what to add up by').choices(costGroups).default('run'))
    .option('--days <n>', 'only calls of the last n days', wholeNumber(1, 100_000))
    .action(async (flags: Flags & { by: CostGroup; days?: number }) => {
      const since = flags.days === undefined ? undefined : daysAgo(flags.days);
      const rows = await withClient(flags, (client) => client.costs({ by: flags.by, since }));
      if (flags.json) {
        return printJson(rows.map(({ costPicoUsd, ...row }) => ({ ...row, costUsd: picoToUsd(costPicoUsd) })));
      }
      if (rows.length === 0) return void process.stdout.write('No model calls yet.\n');
      const cells = rows.map(({ name, calls, inputTokens, outputTokens, costPicoUsd, estimated }) => [
        name,
        String(calls),
        formatTokens(inputTokens),
        formatTokens(outputTokens),
        `${formatCost(picoToUsd(costPicoUsd))}${estimated ? ' (at most)' : ''}`,
      ]);
      process.stdout.write(`${table([flags.by.toUpperCase(), 'CALLS', 'INPUT', 'OUTPUT', 'COST'], cells)}\n`);
    });
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
  { key, limits, running, used, breaker, openUntil, lastFault, waiting }: GateState,
  nowMs: number,
  money: boolean,
): string[] {
  const of = <A>(amount: A, limit: A | undefined, format: (amount: A) => string): string =>
    limit === undefined ? format(amount) : `${format(amount)} of ${format(limit)}`;
  const health =
    breaker === 'off'
      ? ''
      : openUntil === undefined
        ? breaker === 'halfOpen'
          ? 'probing'
          : 'ok'
        : `open, ${untilText(openUntil, nowMs)}`;
  return [
    key,
    health,
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

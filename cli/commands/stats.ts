/** `segno stats`: the figures of executions. */
import { Command } from 'commander';
import type { Figures, Stats } from '../../client/index.js';
import { since } from '../optionValues.js';
import { type ProjectFlags, withClient } from '../openProject.js';
import { colours, formatCost, formatDuration, formatTokens, printJson, table } from '../output.js';

const examples = `
Examples:
  $ segno stats                  all that is known
  $ segno stats --since 7d       what ended in the last seven days; 12h, 30m, 2w, 2026-11-01 work as well
  $ segno stats --json | jq '.agents[] | {name, errorRate}'`;

export function statsCommand(): Command {
  return new Command('stats')
    .description('show the figures of runs, patterns, agents and tools: how many, how long, how often they fail')
    .option('--since <time>', 'only what is younger: 7d, 12h, 30m, 2w, or a date', since)
    .option('--json', 'print JSON', false)
    .option('--config <file>', 'the config, if it is not segno.config.ts here or above')
    .addHelpText('after', examples)
    .action(async (flags: ProjectFlags & { json: boolean; since?: string }) => {
      const stats = await withClient(flags, (client) =>
        client.stats(flags.since === undefined ? {} : { since: flags.since }),
      );
      if (flags.json) return printJson(stats);
      process.stdout.write(`${statsText(stats)}\n`);
    });
}

function statsText(stats: Stats): string {
  const { runs, byWorkflow, agents, tools, patterns } = stats;
  if (runs.executions === 0 && agents.length === 0 && tools.length === 0) {
    return stats.since === undefined
      ? 'No runs yet. `segno run <workflow>` starts one.'
      : `Nothing since ${stats.since}.`;
  }
  const c = colours(process.stdout);
  const head = [
    `${runs.executions}${runs.partial ? '+' : ''} runs`,
    ...(runs.successRate === undefined ? [] : [`${percent(runs.successRate)} completed`]),
    ...(runs.averageMs === undefined ? [] : [`${formatDuration(runs.averageMs)} on average`]),
    ...(stats.mostUsedPattern === undefined ? [] : [`most used pattern: ${stats.mostUsedPattern}`]),
  ].join(', ');
  const sections = [
    c.bold(head),
    ...(runs.partial ? [c.yellow('There are more runs than were looked at: give a shorter --since.')] : []),
    section('WORKFLOW', byWorkflow, [], () => []),
    ...(patterns.length > 0
      ? [
          table(
            ['PATTERN', 'RUNS'],
            patterns.map(({ pattern, runs: used }) => [pattern, String(used)]),
          ),
        ]
      : []),
    section('AGENT', agents, ['MODEL CALLS', 'TOKENS', 'COST'], (agent) => [
      String(agent.modelCalls),
      formatTokens(agent.inputTokens + agent.outputTokens),
      `${formatCost(agent.costUsd)}${agent.estimated ? ' (at most)' : ''}`,
    ]),
    section('TOOL', tools, [], () => []),
  ];
  return sections.filter((text) => text !== '').join('\n\n');
}

function section<Row extends Figures & { name: string }>(
  heading: string,
  rows: readonly Row[],
  more: readonly string[],
  moreOf: (row: Row) => string[],
): string {
  if (rows.length === 0) return '';
  const cells = rows.map((row) => [
    row.name,
    String(row.executions),
    row.running > 0 ? String(row.running) : '',
    row.averageMs === undefined ? '' : formatDuration(row.averageMs),
    row.errorRate === undefined ? '' : percent(row.errorRate),
    ...moreOf(row),
  ]);
  return table([heading, 'EXECUTIONS', 'RUNNING', 'AVERAGE', 'ERRORS', ...more], cells);
}

/** Never 100 % while one has failed, never 0 % when one has. */
function percent(share: number): string {
  const text = (share * 100).toFixed(1);
  if (share > 0 && text === '0.0') return '<0.1 %';
  if (share < 1 && text === '100.0') return '>99.9 %';
  return `${text.replace(/\.0$/, '')} %`;
}

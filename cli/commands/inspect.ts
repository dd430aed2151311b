/** Commands on runs that exist, and on the project: runs, show, result, cancel, retry, agents. */
import { Command } from 'commander';
import { queuedText } from '../../core/places.js';
import { progressTree } from '../../core/progressTree.js';
import { loadProject, workflowNames } from '../../workers/loadProject.js';
import { wholeNumber } from '../optionValues.js';
import { type ProjectFlags, uiAddress, withClient } from '../openProject.js';
import { colours, formatCost, formatDuration, formatTokens, printJson, table, printable } from '../output.js';
import { renderProgress } from '../renderProgress.js';
import { renderUnderWay, warningLine } from '../renderUnderWay.js';
import { follow, writeResult } from './run.js';

interface Flags extends ProjectFlags {
  json: boolean;
}

function inspecting(name: string, description: string, examples: string): Command {
  return new Command(name)
    .description(description)
    .option('--json', 'print JSON', false)
    .option('--config <file>', 'the config, if it is not segno.config.ts here or above')
    .addHelpText('after', `\nExamples:\n${examples}`);
}

export function runsCommand(): Command {
  return inspecting('runs', 'list the newest runs', '  $ segno runs\n  $ segno runs --limit 100 --json')
    .option('--limit <n>', 'how many at most', wholeNumber(1, 1_000), 20)
    .action(async (flags: Flags & { limit: number }) => {
      const runs = await withClient(flags, (client) => client.list({ limit: flags.limit }));
      if (flags.json) return printJson(runs);
      if (runs.length === 0) return void process.stdout.write('No runs yet. `segno run <workflow>` starts one.\n');
      const rows = runs.map((run) => [
        run.id,
        run.workflow,
        run.queued ? queuedText(run.queued) : run.status,
        run.startedAt.replace('T', ' ').slice(0, 19),
        formatDuration(run.durationMs),
        formatTokens(run.usage.inputTokens + run.usage.outputTokens),
        formatCost(run.usage.costUsd),
      ]);
      process.stdout.write(
        `${table(['RUN', 'WORKFLOW', 'STATUS', 'STARTED (UTC)', 'TIME', 'TOKENS', 'COST'], rows)}\n`,
      );
    });
}

export function showCommand(): Command {
  return inspecting(
    'show',
    'show a run with its steps',
    '  $ segno show demo\n  $ segno show demo --attempts\n  $ segno show demo --json | jq .steps',
  )
    .argument('<run>', "the run's id")
    .option('--attempts', 'also each attempt of steps that took several', false)
    .action(async (id: string, flags: Flags & { attempts: boolean }) => {
      await withClient(flags, async (client, dir) => {
        const details = await client.show(id, { underWay: true });
        if (flags.json) return printJson(details);
        const c = colours(process.stdout);
        const ui = uiAddress(dir, details.id, details.runId);
        const { usage } = details;
        const tree = progressTree(details.steps, details.status, details.maps, details.waiting);
        const lines = [
          `${c.bold(details.id)}  ${details.workflow}  ${details.queued ? printable(queuedText(details.queued)) : details.status}`,
          c.dim(
            `started ${details.startedAt}, ${formatDuration(details.durationMs)}, ${formatTokens(usage.inputTokens + usage.outputTokens)} tokens, ${formatCost(usage.costUsd)}${usage.estimated ? ' (at most)' : ''}`,
          ),
          ...renderProgress(tree, Date.now(), process.stdout, { tries: flags.attempts }),
          ...renderUnderWay(details, process.stdout),
          ...(details.warnings ?? []).map((warning) => c.yellow(warningLine(warning))),
          ...(details.error
            ? [
                `${c.red(details.error.type)}: ${printable(details.error.message)}`,
                ...(details.error.step ? [c.dim(`  at step ${printable(details.error.step)}`)] : []),
              ]
            : []),
          ...(details.stuck === undefined ? [] : [c.yellow(details.stuck)]),
          ...(ui === undefined ? [] : [c.dim(ui)]),
        ];
        process.stdout.write(`${lines.join('\n')}\n`);
      });
    });
}

export function resultCommand(): Command {
  return inspecting(
    'result',
    "wait for a run's result and hand it out",
    '  $ segno result demo --out summary.pdf\n  $ segno result demo --json',
  )
    .argument('<run>', "the run's id")
    .option('--out <file>', 'where to write the result (its document, if it has one)')
    .action(async (id: string, flags: Flags & { out?: string }) => {
      await withClient(flags, async (client) => {
        const run = await client.get(id);
        const result = await run.result();
        if (flags.out !== undefined) {
          const path = await writeResult(client, result, flags.out);
          if (!flags.json) return void process.stdout.write(`${path}\n`);
        }
        printJson(result);
      });
    });
}

export function cancelCommand(): Command {
  return inspecting('cancel', 'cancel a run; its cleanup still happens', '  $ segno cancel demo')
    .argument('<run>', "the run's id")
    .action(async (id: string, flags: Flags) => {
      await withClient(flags, async (client) => {
        const { status } = await client.show(id);
        if (status === 'running') await (await client.get(id)).cancel();
        if (flags.json) return printJson({ id, cancelled: status === 'running', status });
        process.stdout.write(status === 'running' ? `Cancelling ${id}.\n` : `${id} is ${status} already.\n`);
      });
    });
}

export function retryCommand(): Command {
  return inspecting(
    'retry',
    'run a failed or cancelled run again, reusing its finished steps',
    '  $ segno retry demo\n  $ segno retry demo --out summary.pdf',
  )
    .argument('<run>', "the run's id")
    .option('--out <file>', 'where to write the result (its document, if it has one)')
    .action(async (id: string, flags: Flags & { out?: string }) => {
      await withClient(flags, async (client, dir) => follow(client, await client.retry(id), { dir }, flags));
    });
}

export function agentsCommand(): Command {
  return inspecting(
    'agents',
    "list the project's agents, tools and workflows",
    '  $ segno agents\n  $ segno agents --json',
  ).action(async (flags: Flags) => {
    const project = await loadProject(
      flags.config === undefined ? { dir: process.cwd() } : { configPath: flags.config },
    );
    const { agents, tools } = project.config;
    const described = {
      agents: [...agents].map(([name, agent]) => ({ name, model: agent.model ?? 'default', tools: agent.tools ?? [] })),
      tools: [...tools].map(([name, tool]) => ({
        name,
        description: tool.description,
        duration: tool.duration ?? 'long',
        safety: tool.readOnly ? 'read-only' : tool.idempotent ? 'idempotent' : 'once',
      })),
      workflows: await workflowNames(project),
    };
    if (flags.json) return printJson(described);
    const sections = [
      table(
        ['AGENT', 'MODEL', 'TOOLS'],
        described.agents.map((agent) => [agent.name, agent.model, agent.tools.join(', ')]),
      ),
      table(
        ['TOOL', 'SAFETY', 'DURATION', 'DESCRIPTION'],
        described.tools.map((tool) => [tool.name, tool.safety, tool.duration, tool.description.slice(0, 70)]),
      ),
      table(
        ['WORKFLOW'],
        described.workflows.map((name) => [name]),
      ),
    ];
    process.stdout.write(`${sections.join('\n\n')}\n`);
  });
}

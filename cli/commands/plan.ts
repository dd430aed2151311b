import { basename } from 'node:path';
import { Command } from 'commander';
import { planMermaid, planShape } from '../../core/plan/planMermaid.js';
import { loadProject, type Project } from '../../workers/loadProject.js';
import type { ProjectFlags } from '../openProject.js';
import { colours, printJson } from '../output.js';
import { loadPlan } from '../planFile.js';
import { type RunFlags, runOptions, runTarget } from './run.js';

const examples = `
Examples:
  $ segno plan check pipeline.yaml            every fault, with its place in the file
  $ segno plan graph pipeline.yaml            a Mermaid flowchart
  $ segno plan run pipeline.yaml --input '{"text":"…"}'
  $ segno run full_pipeline                   a plan named under plans in segno.config.ts

Where a file is asked for, the name of such a plan will do.`;

const runExamples = `
Examples:
  $ segno plan run pipeline.yaml --input '{"text":"…"}'
  $ segno plan run pipeline.yaml --input document=article.md --out result.json

What \`input\` refers to in the plan is what is given with --input. Otherwise as \`segno run\`.`;

export function planCommand(): Command {
  const fileArgument = ['<file>', "JSON or YAML, or the name of a plan in the project's config"] as const;
  const configFlag = ['--config <file>', 'the config, if it is not segno.config.ts here or above'] as const;
  const check = new Command('check')
    .description('check a plan without running it')
    .argument(...fileArgument)
    .option('--json', 'print JSON', false)
    .option(...configFlag)
    .addHelpText('after', '\nExamples:\n  $ segno plan check pipeline.yaml\n  $ segno plan check full_pipeline --json')
    .action(checkPlan);
  const graph = new Command('graph')
    .description('print a plan as a Mermaid flowchart')
    .argument(...fileArgument)
    .option(...configFlag)
    .addHelpText('after', '\nExamples:\n  $ segno plan graph pipeline.yaml > pipeline.mmd')
    .action(printGraph);
  const run = runOptions(new Command('run').description('run a plan').argument(...fileArgument))
    .addHelpText('after', runExamples)
    .action(runPlan);
  const command = new Command('plan').description('check, draw and run plans').addHelpText('after', examples);
  for (const inner of [check, graph, run]) command.addCommand(inner);
  return command;
}

function open({ config }: ProjectFlags): Promise<Project> {
  return loadProject(config === undefined ? { dir: process.cwd() } : { configPath: config });
}

async function checkPlan(file: string, flags: ProjectFlags & { json: boolean }): Promise<void> {
  const plan = await loadPlan(await open(flags), file);
  const shape = planShape(plan);
  if (flags.json) return printJson({ ok: true, name: plan.name, ...shape });
  const { steps, depth, width } = shape;
  process.stdout.write(
    `${colours(process.stdout).green('ok')} ${plan.name}: ${steps} steps, ${depth} after each other, at most ${width} side by side\n`,
  );
}

async function printGraph(file: string, flags: ProjectFlags): Promise<void> {
  process.stdout.write(`${planMermaid(await loadPlan(await open(flags), file))}\n`);
}

async function runPlan(file: string, flags: RunFlags): Promise<void> {
  const project = await open(flags);
  const plan = await loadPlan(project, file);
  const name = basename(file).replace(/\.\w+$/, '');
  await runTarget(project, flags, { name, workflow: 'runPlan', inputOf: (input) => ({ plan, input }) });
}

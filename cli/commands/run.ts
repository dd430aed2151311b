import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { Command } from 'commander';
import type { Run, SegnoClient } from '../../client/index.js';
import type { BudgetAmounts } from '../../core/admission/settings.js';
import { documentRefSchema } from '../../core/document.js';
import { usesProviders } from '../../core/config.js';
import { SegnoError } from '../../core/errors.js';
import { withStack } from '../../workers/embedded/withStack.js';
import { loadProject, type Project, workflowNames } from '../../workers/loadProject.js';
import { connectProject, isOwnStack, isReachable, type ProjectFlags, uiAddress } from '../openProject.js';
import { colours, formatCost, formatDuration, printable, printJson } from '../output.js';
import { loadPlan } from '../planFile.js';
import { seconds, wholeNumber } from '../optionValues.js';
import { budgetOption } from '../runBudget.js';
import { type ConcurrencyFlags, concurrencyOf, concurrencyOptions } from '../runConcurrency.js';
import { parseInput, storeInput } from '../runInput.js';
import { watchRun } from '../watchRun.js';
import { noticeLine } from './stackReport.js';

export interface FollowFlags {
  out?: string;
  json: boolean;
}

export interface RunFlags extends ProjectFlags, FollowFlags, ConcurrencyFlags {
  input: string[];
  id?: string;
  deps?: string;
  timeout?: number;
  budget?: BudgetAmounts;
  priority?: number;
  detach: boolean;
}

const examples = `
Examples:
  $ segno run investor-report --input report.pdf --out summary.pdf
  $ segno run investor-report --input report.pdf --json          the result as JSON on standard output
  $ segno run greet --input '{"name":"Ada"}'                     JSON as the workflow's input
  $ segno run compare --input old=a.pdf --input new=b.pdf        documents in named fields
  $ segno run investor-report --input report.pdf --budget usd=0.05 --budget tokens=20000
  $ segno run nightly --id nightly-2026-11-20 --input in.json    the same id again attaches to the run in progress
  $ segno run sync-customer --concurrency-key customer/42        after the other runs of this customer

Uses the stack of \`segno dev\` in this project (or TEMPORAL_ADDRESS and DATABASE_URL); with neither, brings one up for this run.
Ctrl-C cancels the run; a second Ctrl-C leaves without waiting for it to end.
Exit codes: 0 completed, 1 failed, 2 wrong usage, 3 not started (--on-limit drop), 130 cancelled.`;

/** What is started: a workflow, and its input made of what was given. */
export interface RunTarget {
  /** What the run's id begins with. */
  name: string;
  workflow: string;
  inputOf(given: unknown): unknown;
}

export function runCommand(): Command {
  return runOptions(
    new Command('run')
      .description('start a workflow or a named plan, follow it, and hand out its result')
      .argument('<workflow>', 'its name, as exported or in kebab-case, or that of a plan'),
  )
    .addHelpText('after', examples)
    .action(runWorkflow);
}

export function runOptions(command: Command): Command {
  command
    .option(
      '--input <value>',
      'JSON, a .json file, "-", a document, or field=document; may be repeated',
      (value, all: string[]) => [...all, value],
      [],
    )
    .option('--out <file>', 'where to write the result (its document, if it has one)')
    .option('--id <id>', "the run's id (default: name and random part)")
    .option('--deps <json>', 'dependencies of the run, for tools and prompts that declare them')
    .option('--timeout <seconds>', 'end the run after so long', seconds)
    .option('--priority <n>', '1 (first) to 5, where runs wait for each other (default: 3)', wholeNumber(1, 5))
    .option('--detach', 'start and return', false)
    .option('--json', 'print the result, or the error, as JSON', false)
    .option('--config <file>', 'the config, if it is not segno.config.ts here or above');
  return concurrencyOptions(budgetOption(command));
}

async function runWorkflow(name: string, flags: RunFlags): Promise<void> {
  const project = await loadProject(flags.config === undefined ? { dir: process.cwd() } : { configPath: flags.config });
  await runTarget(project, flags, await findTarget(project, name));
}

/** Start it on the stack there is, follow it, and hand out its result. */
export async function runTarget(project: Project, flags: RunFlags, target: RunTarget): Promise<void> {
  const { name, workflow } = target;
  const parts = await Promise.all(flags.input.map((argument) => parseInput(argument)));
  const deps = flags.deps === undefined ? undefined : parseDeps(flags.deps);
  const traceparent = process.env['TRACEPARENT'];
  const timeoutMs = flags.timeout === undefined ? undefined : Math.round(flags.timeout * 1_000);
  await onStack(project, flags, async (interrupted, handOver) => {
    const client = await connectProject(project.dir, project.config.taskQueue);
    try {
      const id = flags.id ?? `${name}-${randomBytes(4).toString('hex')}`;
      const input = target.inputOf(await storeInput(client, parts, id));
      interrupted.throwIfAborted();
      const run = await client.start(workflow, input, {
        id,
        ...(deps !== undefined && { deps }),
        ...(timeoutMs !== undefined && { timeoutMs }),
        ...(flags.budget && { budget: flags.budget }),
        ...(flags.priority !== undefined && { priority: flags.priority }),
        ...concurrencyOf(flags),
        ...(traceparent && { traceparent }),
      });
      // Who pressed Ctrl-C while it was being started does not want it to run on unseen.
      if (interrupted.aborted) await run.cancel();
      handOver();
      if (flags.detach) detached(run, project, flags);
      else await follow(client, run, project, flags);
    } finally {
      await client.close();
    }
  });
}

/** @throws SegnoError `Workflow.Unknown`; `Plan.Unknown` in a project with plans; `Plan.Invalid` */
async function findTarget(project: Project, name: string): Promise<RunTarget> {
  const names = await workflowNames(project);
  const camel = name.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
  const found = names.find((candidate) => candidate === name || candidate === camel);
  const plans = [...project.plans.keys()].sort();
  const isPlan = project.plans.has(name);
  if (found !== undefined && isPlan)
    throw new SegnoError('Config.Invalid', `a workflow and a plan are both named ${name}; rename one`);
  if (found !== undefined) return { name, workflow: found, inputOf: (input) => input };
  if (isPlan) {
    const plan = await loadPlan(project, name);
    return { name, workflow: 'runPlan', inputOf: (input) => ({ plan, input }) };
  }
  const known = names.join(', ') || 'none';
  if (plans.length === 0) throw new SegnoError('Workflow.Unknown', `no workflow is named ${name}; there are: ${known}`);
  throw new SegnoError(
    'Plan.Unknown',
    `no plan or workflow is named ${name}; there are the plans ${plans.join(', ')}, and the workflows: ${known}`,
  );
}

/**
 * Use the stack that runs here, or bring one up for as long as the run takes.
 *
 * @param use is told of Ctrl-C by the signal, until it says by `handOver` that it listens itself
 */
async function onStack(
  project: Project,
  flags: RunFlags,
  use: (interrupted: AbortSignal, handOver: () => void) => Promise<void>,
): Promise<void> {
  if (flags.detach && !(await isReachable(project.dir))) {
    throw new SegnoError(
      'Stack.NotRunning',
      '--detach needs a stack that outlives this command: start `segno dev` first',
    );
  }
  const note = (line: string | undefined): void => {
    if (line !== undefined && !flags.json) process.stderr.write(`${line}\n`);
  };
  let announced = false;
  const announce = (): void => {
    if (announced) return;
    announced = true;
    note('Nothing is running here: starting a stack for this run (`segno dev` keeps one up).');
    if (usesProviders(project.config.models)) return;
    note('No provider is configured: the offline model answers (rules over the text, no language model).');
  };
  const starting = new AbortController();
  const onSignal = (): void => starting.abort(new SegnoError('Run.Cancelled', 'stopped before the run began'));
  const stopListening = (): void => {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  try {
    await withStack(
      {
        dir: project.dir,
        configPath: project.configPath,
        signal: starting.signal,
        onEvent: (event) => {
          announce();
          note(noticeLine(event, false));
        },
        onProgress: ({ message }) => note(message),
        onWaitingForOthers: (count) =>
          note(`Done. ${count} other runs use this stack; it stays up until they are done.`),
      },
      () => use(starting.signal, stopListening),
    );
  } finally {
    stopListening();
  }
}

function detached(run: Run, project: Project, flags: RunFlags): void {
  const ui = uiAddress(project.dir, run.id, run.runId);
  if (flags.json) printJson({ id: run.id, runId: run.runId, attached: run.attached, ...(ui && { temporalUi: ui }) });
  else process.stdout.write(`${run.attached ? 'In progress' : 'Started'}: ${run.id}\n  segno show ${run.id}\n`);
}

export async function follow(
  client: SegnoClient,
  run: Run,
  project: Pick<Project, 'dir'>,
  flags: FollowFlags,
): Promise<void> {
  const stopListening = cancelOnSignal(run);
  if (!flags.json)
    process.stderr.write(`${run.attached ? `Run ${run.id} is in progress; following it.` : `Run ${run.id}`}\n`);
  try {
    await watchRun(client, run, { stream: process.stderr, quiet: flags.json && !process.stderr.isTTY });
    const result = await run.result();
    const written = flags.out === undefined ? undefined : await writeResult(client, result, flags.out);
    if (flags.json) printJson(result);
    else await summarize(client, run, project, result, written);
  } finally {
    stopListening();
  }
}

function cancelOnSignal(run: Run): () => void {
  let times = 0;
  const onSignal = (): void => {
    times += 1;
    if (times > 1) process.exit(130);
    process.stderr.write('\nCancelling the run. Once more to leave without waiting.\n');
    run.cancel().catch((error: unknown) => process.stderr.write(`cancel: ${String(error)}\n`));
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return () => {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  };
}

/** A result (or a plan's output) that is a document, or has one in its field `document`, is written as that file; any other as JSON. */
export async function writeResult(client: SegnoClient, result: unknown, out: string): Promise<string> {
  const path = resolve(out);
  await mkdir(dirname(path), { recursive: true });
  const { document: own, output } = (result ?? {}) as { document?: unknown; output?: unknown };
  const document = [result, own, output, (output as { document?: unknown } | null | undefined)?.document]
    .map((candidate) => documentRefSchema.safeParse(candidate))
    .find((parsed) => parsed.success)?.data;
  await writeFile(path, document ? await client.getDocument(document) : `${JSON.stringify(result ?? null, null, 2)}\n`);
  return path;
}

async function summarize(
  client: SegnoClient,
  run: Run,
  project: Pick<Project, 'dir'>,
  result: unknown,
  written: string | undefined,
): Promise<void> {
  const c = colours(process.stdout);
  const { durationMs, usage } = await client.show(run.id);
  const ui = uiAddress(project.dir, run.id, run.runId);
  if (written === undefined && result !== undefined) process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
  const without = shortfall(result);
  const rows: [string, string][] = [
    ...(written === undefined ? [] : [['Output', written] as [string, string]]),
    ...(without === undefined ? [] : [['Result', c.yellow(printable(without))] as [string, string]]),
    ['Time', formatDuration(durationMs)],
    ['Cost', `${formatCost(usage.costUsd)}${usage.estimated ? ' (at most)' : ''}`],
    ...(ui === undefined ? [] : [['Temporal UI', ui] as [string, string]]),
    ...(isOwnStack(project.dir) ? [['Steps', `segno dev, then: segno show ${run.id}`] as [string, string]] : []),
  ];
  process.stdout.write(
    `${c.green('Completed')} ${run.id}\n${rows.map(([name, value]) => `  ${name.padEnd(12)} ${value}`).join('\n')}\n`,
  );
}

/** A workflow may complete with a result that says it did not get everything, as patterns and plans do: that must not look like success. */
export function shortfall(result: unknown): string | undefined {
  const { status, failedStep, error } = (result ?? {}) as { status?: unknown; failedStep?: unknown; error?: unknown };
  if (status !== 'partial' && status !== 'failed') return undefined;
  const { type, message } = (error ?? {}) as { type?: unknown; message?: unknown };
  const [reason] = [type, message]
    .filter((part) => typeof part === 'string')
    .join(': ')
    .split('\n', 1);
  return [status, typeof failedStep === 'string' ? ` at ${failedStep}` : '', reason ? `: ${reason}` : ''].join('');
}

function parseDeps(source: string): unknown {
  try {
    return JSON.parse(source);
  } catch {
    throw new SegnoError('Deps.Invalid', '--deps is not JSON');
  }
}

import { Command } from 'commander';
import type { SegnoClient, WaitingApproval } from '../../client/index.js';
import type { RaiseAmounts } from '../../core/admission/raise.js';
import { SegnoError } from '../../core/errors.js';
import { type ProjectFlags, withClient } from '../openProject.js';
import { seconds } from '../optionValues.js';
import { colours, printable, printJson } from '../output.js';
import { addRaise } from '../runBudget.js';
import { approveLine, minute } from '../renderUnderWay.js';
import { userName } from '../userName.js';

interface Flags extends ProjectFlags {
  reject: boolean;
  list: boolean;
  comment?: string;
  by?: string;
  value?: string;
  raise?: RaiseAmounts;
  wait?: number;
  json: boolean;
}

const examples = `
Examples:
  $ segno approve                                   what waits for a decision, in all running runs
  $ segno approve demo --list                       what waits in one run
  $ segno approve demo                              approve the only thing demo waits for
  $ segno approve demo publish --comment 'well done'
  $ segno approve demo publish --reject --comment 'name the sources'
  $ segno approve demo publish --value '{"title":"Q3"}'    approve, with what you made of it or chose
  $ segno approve demo budget --raise usd=1         give a run that has used up its budget more

The first decision stands. The same decision given again counts once.`;

export function approveCommand(): Command {
  return new Command('approve')
    .description('list what waits for a person, approve it, or reject it')
    .argument('[run]', "the run's id; without it all that waits is listed")
    .argument('[name]', 'the name (or path) of the approval, if the run waits for several')
    .option('--reject', 'decide against it', false)
    .option('--comment <text>', 'why')
    .option('--by <name>', 'who decides (default: your user name here)')
    .option(
      '--value <json>',
      'one of its choices, or what you made of what was shown; text that is no JSON is taken as text',
    )
    .option(
      '--raise <unit=amount>',
      'by how much to raise the budget it asks for: usd, tokens, calls or seconds; may be repeated',
      addRaise,
    )
    .option(
      '--wait <seconds>',
      'how long to wait for a worker to take it (default: until the approval expires)',
      seconds,
    )
    .option('--list', 'only list what the run waits for', false)
    .option('--json', 'print JSON', false)
    .option('--config <file>', 'the config, if it is not segno.config.ts here or above')
    .addHelpText('after', examples)
    .action(async (run: string | undefined, name: string | undefined, flags: Flags) => {
      checkFlags(run, flags);
      await withClient(flags, (client) =>
        run === undefined || flags.list ? list(client, run, flags) : decide(client, run, name, flags),
      );
    });
}

/** A decision that names no run must not look like a list that went well. */
function checkFlags(run: string | undefined, { reject, list, comment, value, raise }: Flags): void {
  const deciding = reject || comment !== undefined || value !== undefined || raise !== undefined;
  if (deciding && run === undefined) {
    throw new SegnoError('Approval.InvalidDecision', 'name the run that is decided on: segno approve RUN [NAME]');
  }
  if (raise && (reject || value !== undefined)) {
    throw new SegnoError(
      'Approval.InvalidDecision',
      '--raise approves, with an amount: leave out --reject and --value',
    );
  }
  if (deciding && list) throw new SegnoError('Approval.InvalidDecision', '--list decides nothing; leave it out');
}

async function list(client: SegnoClient, run: string | undefined, { json }: Flags): Promise<void> {
  const approvals = await client.approvals(run === undefined ? {} : { run });
  if (json) return printJson(approvals);
  if (approvals.length === 0) {
    const nothing = run === undefined ? 'No run waits for a decision.' : `The run ${run} waits for no decision.`;
    return void process.stdout.write(`${nothing}\n`);
  }
  process.stdout.write(`${approvals.map((approval) => described(approval, approvals)).join('\n\n')}\n`);
}

const detailLines = 20;

function described(approval: WaitingApproval, all: readonly WaitingApproval[]): string {
  const { name, run, title, detail, choices, since, until } = approval;
  const c = colours(process.stdout);
  const shown = detail === undefined ? [] : textOf(detail).split('\n');
  const hidden = shown.length - detailLines;
  return [
    `${c.bold(printable(name))}  ${c.dim(`run ${printable(run)}, since ${minute(since)}, until ${minute(until)}`)}`,
    ...(title === undefined ? [] : [`  ${printable(title)}`]),
    ...shown.slice(0, detailLines).map((line) => `  ${printable(line)}`),
    ...(hidden > 0 ? [c.dim(`  … ${hidden} more lines; --json has them`)] : []),
    ...(choices ? [`  choices: ${choices.map(printable).join(', ')}`] : []),
    `  ${c.cyan(approveLine(approval, all))}`,
  ].join('\n');
}

/** A document to be read is mostly text. */
function textOf(detail: unknown): string {
  return typeof detail === 'string' ? detail : JSON.stringify(detail, null, 2);
}

async function decide(client: SegnoClient, run: string, name: string | undefined, flags: Flags): Promise<void> {
  const by = flags.by ?? userName();
  const decision = await client.decide(run, {
    ...(name !== undefined && { name }),
    approved: !flags.reject,
    by,
    ...(flags.comment !== undefined && { comment: flags.comment }),
    ...(flags.value !== undefined && { value: parseValue(flags.value) }),
    ...(flags.raise && { raise: flags.raise }),
    ...(flags.wait !== undefined && { timeoutMs: Math.round(flags.wait * 1_000) }),
    onNoWorker: () => {
      if (flags.json) return;
      process.stderr.write(
        'No worker has taken the decision yet; waiting for one. If you leave now (Ctrl-C) it may be lost; giving it again is safe.\n',
      );
    },
  });
  if (flags.json) return printJson({ run, ...decision });
  const c = colours(process.stdout);
  const what = decision.approved ? c.green('Approved') : c.red('Rejected');
  process.stdout.write(`${what}${name === undefined ? '' : ` ${name}`} in ${run}, by ${printable(decision.by)}.\n`);
}

function parseValue(source: string): unknown {
  try {
    return JSON.parse(source);
  } catch {
    return source;
  }
}

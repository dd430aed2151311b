import type { RunDetails, WaitingApproval } from '../client/index.js';
import type { RaiseUnit } from '../core/admission/raise.js';
import { patternLines, type RunningPattern } from '../core/patternLines.js';
import { colours, printable } from './output.js';

/** Of each kind, whose commands are shown. */
const mostWaits = 10;

/** What a run's steps do not show: how far its patterns are, and what it waits for, with what to type. */
export function renderUnderWay(
  { id, patterns = [], approvals = [] }: Pick<RunDetails, 'id' | 'patterns' | 'approvals'>,
  stream: NodeJS.WriteStream,
): string[] {
  const c = colours(stream);
  const lines = patternLines(patterns, id).map(({ depth, label, text }) => ({
    left: `${'  '.repeat(depth)}${printable(label)}`,
    text: printable(text),
  }));
  const column = Math.min(48, Math.max(...lines.map(({ left }) => left.length), 0)) + 2;
  return [
    ...lines.map(({ left, text }) => c.dim(`${left.padEnd(column)}${text}`.trimEnd())),
    ...[...eventLines(patterns), ...approvalLines(approvals)].map(c.yellow),
  ];
}

/** What to type to send the events that are waited for. */
function eventLines(patterns: readonly RunningPattern[]): string[] {
  const lines = patterns.flatMap(({ event, workflowId }) => {
    if (!event) return [];
    const { name, key, data } = event;
    const options = `${key === undefined ? '' : ` --key ${quoted(key)}`}${data ? ' --data DATA' : ''}`;
    return [`  segno event ${quoted(workflowId)} ${quoted(name)}${options}`];
  });
  const more = lines.length - mostWaits;
  return more > 0 ? [...lines.slice(0, mostWaits), `… and ${more} more events`] : lines;
}

export function warningLine({ budget, threshold, share }: NonNullable<RunDetails['warnings']>[number]): string {
  const reached = `${Math.round(threshold * 100)} % of the budget ${printable(budget)} is used up`;
  return share > threshold ? `${reached} (${Math.floor(share * 100)} % when it was noticed)` : reached;
}

/** What waits for a person, and what to type. */
export function approvalLines(approvals: readonly WaitingApproval[]): string[] {
  const lines = approvals.slice(0, mostWaits).flatMap((approval) => {
    const { name, title, since, until, choices } = approval;
    const asked = title === undefined ? '' : `: ${printable(title)}`;
    if (approval.outcomeOf !== undefined) {
      const asks = `waiting for the outcome of ${printable(approval.outcomeOf)} since ${minute(since)}${asked}`;
      return [asks, `  ${approveLine(approval, approvals)}`];
    }
    return [
      `waiting for approval ${printable(name)} since ${minute(since)}, until ${minute(until)}${asked}`,
      ...(choices ? [`  choices: ${choices.map(printable).join(', ')}`] : []),
      `  ${approveLine(approval, approvals)}`,
    ];
  });
  const more = approvals.length - mostWaits;
  return more > 0 ? [...lines, `… and ${more} more: segno approve ${quoted(approvals[0]!.run)} --list`] : lines;
}

/** The command that approves it, with its name where that is enough among `all`; CHOICE and AMOUNT stand for what is to be said. */
export function approveLine(approval: WaitingApproval, all: readonly WaitingApproval[]): string {
  const { run, name, path, workflowId, choices, raise, outcomeOf } = approval;
  if (outcomeOf !== undefined) {
    const step = workflowId === run ? outcomeOf : `${workflowId}/${outcomeOf}`;
    return `segno resolve ${quoted(run)} ${quoted(step)} --done OUTPUT | --repeat | --fail`;
  }
  const alike = all.filter((other) => other.run === run && other.name === name).length;
  const address = workflowId === run ? path : `${workflowId}/${path}`;
  return `segno approve ${quoted(run)} ${quoted(alike === 1 ? name : address)}${choices ? ' --value CHOICE' : ''}${raise ? raiseHint(raise) : ''}`;
}

function raiseHint([unit = 'usd']: readonly RaiseUnit[]): string {
  return ` --raise ${unit === 'wallMs' ? 'seconds' : unit}=AMOUNT`;
}

/** UTC, to the minute. */
export function minute(iso: string): string {
  return `${iso.slice(0, 16).replace('T', ' ')} UTC`;
}

/** As a POSIX shell takes it as one word. */
export function quoted(word: string): string {
  const plain = printable(word);
  return /^[\w./:@%+=,-]+$/.test(plain) ? plain : `'${plain.replaceAll("'", "'\\''")}'`;
}

import { fallbackText, type ProgressTry, type ProgressWait } from '../core/progressStep.js';
import type { ProgressNode, ProgressState } from '../core/progressTree.js';
import { colours, formatCost, formatDuration, formatTokens, printable } from './output.js';

type Colours = ReturnType<typeof colours>;

const mostReasons = 2;

const marks: Record<ProgressState, (c: Colours) => string> = {
  done: (c) => c.green('✓'),
  running: (c) => c.cyan('●'),
  retrying: (c) => c.yellow('↻'),
  failed: (c) => c.red('✗'),
  unknown: (c) => c.yellow('?'),
};

/**
 * The tree of steps, one line each: state, name, elapsed time, tokens, cost.
 *
 * @param tries also each attempt of a step that took several
 */
export function renderProgress(
  nodes: readonly ProgressNode[],
  nowMs: number,
  stream: NodeJS.WriteStream,
  { tries = false }: { tries?: boolean } = {},
): string[] {
  const c = colours(stream);
  const lines: { left: string; width: number; right: string }[] = [];
  const visit = (node: ProgressNode, indent: string, lead: string): void => {
    const branch = `${indent}${lead}`;
    const label = printable(node.label);
    lines.push({
      left: `${c.dim(branch)}${marks[node.state](c)} ${label}`,
      width: branch.length + 2 + label.length,
      right: details(node, nowMs, c),
    });
    const below = lead === '' ? indent : `${indent}${lead.startsWith('├') ? '│  ' : '   '}`;
    (tries ? (node.step?.tries ?? []) : []).forEach((attempt, index, [first]) => {
      const left = `${below}${node.children.length > 0 ? '│' : ' '}  ${index + 1} ${printable(attempt.alias ?? '')}`;
      lines.push({ left: c.dim(left), width: left.length, right: attemptDetails(attempt, first!, c) });
    });
    node.children.forEach((child, index) => visit(child, below, index === node.children.length - 1 ? '└─ ' : '├─ '));
  };
  for (const node of nodes) visit(node, '', '');
  const column = Math.min(48, Math.max(...lines.map(({ width }) => width), 0)) + 2;
  return lines.map(({ left, width, right }) => `${left}${' '.repeat(Math.max(2, column - width))}${right}`);
}

function details(node: ProgressNode, nowMs: number, c: Colours): string {
  const elapsed = formatDuration(Math.max(0, (node.finishedAtMs ?? nowMs) - node.startedAtMs));
  const tokens = node.inputTokens + node.outputTokens;
  const { attempts = 0, degradedTo } = node.step ?? {};
  return joined([
    elapsed.padStart(8),
    itemsOf(node),
    tokens > 0 ? `${formatTokens(tokens)} tokens` : '',
    node.costUsd > 0 ? formatCost(node.costUsd) : '',
    painted(c.dim, waitedText(node.waitedMs, node.waitedFor)),
    painted(c.yellow, insteadOf(node.fallbackFrom)),
    painted(c.yellow, degradedText(degradedTo)),
    node.guardrails.redacted > 0 ? c.yellow(`${node.guardrails.redacted} redacted`) : '',
    node.guardrails.blocked > 0 ? c.red(`${node.guardrails.blocked} blocked`) : '',
    attempts > 1 ? c.yellow(node.finishedAtMs === undefined ? `attempt ${attempts}` : `${attempts} attempts`) : '',
    node.error && node.state !== 'done' ? c.red(node.error.type) : '',
    node.waits ? c.yellow(waitsText(node.waits, nowMs)) : '',
  ]);
}

function attemptDetails(attempt: ProgressTry, first: ProgressTry, c: Colours): string {
  const { waitedMs = 0, waitedFor, fallbackFrom = [], degradedTo, error, state } = attempt;
  const afterMs = Date.parse(attempt.startedAt) - Date.parse(first.startedAt);
  return joined([
    formatDuration(attempt.durationMs).padStart(8),
    attempt === first ? '' : `after ${formatDuration(afterMs)}`,
    painted(c.dim, waitedText(waitedMs, waitedFor === undefined ? [] : [waitedFor])),
    painted(c.yellow, insteadOf(fallbackFrom.map(fallbackText))),
    painted(c.yellow, degradedText(degradedTo)),
    error ? c.red(error.type) : state,
  ]);
}

function joined(parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join('  ');
}

/** Colours make something even of nothing. */
function painted(colour: (text: string) => string, text: string): string {
  return text === '' ? '' : colour(text);
}

/** `waited 3.2 s for tokens at model/openai/small` */
function waitedText(ms: number, reasons: readonly string[]): string {
  if (ms <= 0) return '';
  return `waited ${formatDuration(ms)}${reasons.length > 0 ? ` for ${someOf(reasons)}` : ''}`;
}

/** `instead of default (outage)` */
function insteadOf(models: readonly string[]): string {
  return models.length > 0 ? `instead of ${someOf(models)}` : '';
}

function degradedText(tokens: number | undefined): string {
  return tokens === undefined ? '' : `cut to ${formatTokens(tokens)} output tokens (budget)`;
}

/** `waits 37.0 s for concurrency at model/openai/small, with 12 others` */
function waitsText({ waitsFor, since, others }: ProgressWait, nowMs: number): string {
  const forMs = Math.max(0, nowMs - Date.parse(since));
  const beside = others > 0 ? `, with ${others} ${others === 1 ? 'other' : 'others'}` : '';
  return `waits ${formatDuration(forMs)} for ${printable(waitsFor)}${beside}`;
}

/** What stands above many steps has many reasons. */
function someOf(texts: readonly string[]): string {
  const more = texts.length - mostReasons;
  return printable(`${texts.slice(0, mostReasons).join(', ')}${more > 0 ? ` and ${more} more` : ''}`);
}

/** `3,200 of 10,000 items, 2 failed` */
export function itemsOf({ items }: ProgressNode): string {
  if (!items) return '';
  const { of, done, failed } = items;
  const count = (number: number): string => String(number).replace(/\B(?=(\d{3})+$)/g, ',');
  const ended = done + failed === of ? count(of) : `${count(done + failed)} of ${count(of)}`;
  return `${ended} ${of === 1 ? 'item' : 'items'}${failed > 0 ? `, ${count(failed)} failed` : ''}`;
}

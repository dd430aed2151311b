import type { ProgressNode, ProgressState } from '../core/progressTree.js';
import { colours, formatCost, formatDuration, formatTokens, printable } from './output.js';

type Colours = ReturnType<typeof colours>;

const marks: Record<ProgressState, (c: Colours) => string> = {
  done: (c) => c.green('✓'),
  running: (c) => c.cyan('●'),
  retrying: (c) => c.yellow('↻'),
  failed: (c) => c.red('✗'),
  unknown: (c) => c.yellow('?'),
};

/** The tree of steps, one line each: state, name, elapsed time, tokens, cost. */
export function renderProgress(nodes: readonly ProgressNode[], nowMs: number, stream: NodeJS.WriteStream): string[] {
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
    node.children.forEach((child, index) => visit(child, below, index === node.children.length - 1 ? '└─ ' : '├─ '));
  };
  for (const node of nodes) visit(node, '', '');
  const column = Math.min(48, Math.max(...lines.map(({ width }) => width), 0)) + 2;
  return lines.map(({ left, width, right }) => `${left}${' '.repeat(Math.max(2, column - width))}${right}`);
}

function details(node: ProgressNode, nowMs: number, c: Colours): string {
  const elapsed = formatDuration(Math.max(0, (node.finishedAtMs ?? nowMs) - node.startedAtMs));
  const tokens = node.inputTokens + node.outputTokens;
  return [
    elapsed.padStart(8),
    itemsOf(node),
    tokens > 0 ? `${formatTokens(tokens)} tokens` : '',
    node.costUsd > 0 ? formatCost(node.costUsd) : '',
    node.waitedMs > 0 ? c.dim(`waited ${formatDuration(node.waitedMs)}`) : '',
    node.fallbackFrom.length > 0 ? c.yellow(`instead of ${printable(node.fallbackFrom.join(', '))}`) : '',
    node.guardrails.redacted > 0 ? c.yellow(`${node.guardrails.redacted} redacted`) : '',
    node.guardrails.blocked > 0 ? c.red(`${node.guardrails.blocked} blocked`) : '',
    node.attempts > 1 ? c.yellow(`attempt ${node.attempts}`) : '',
    node.error && node.state !== 'done' ? c.red(node.error.type) : '',
  ]
    .filter((part) => part !== '')
    .join('  ');
}

/** `3,200 of 10,000 items, 2 failed` */
export function itemsOf({ items }: ProgressNode): string {
  if (!items) return '';
  const { of, done, failed } = items;
  const count = (number: number): string => String(number).replace(/\B(?=(\d{3})+$)/g, ',');
  const ended = done + failed === of ? count(of) : `${count(done + failed)} of ${count(of)}`;
  return `${ended} ${of === 1 ? 'item' : 'items'}${failed > 0 ? `, ${count(failed)} failed` : ''}`;
}

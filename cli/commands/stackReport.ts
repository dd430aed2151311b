/** How the embedded stack is shown: its table, its events, its JSON line. Pure: text in, text out. */
import pc from 'picocolors';
import type { StackAddresses } from '../../workers/embedded/stackState.js';
import type { StackNotice } from '../../workers/embedded/startStack.js';

export interface RunningStack {
  readonly addresses: StackAddresses;
  readonly namespace: string;
  readonly pid: number;
}

type Colors = ReturnType<typeof pc.createColors>;

/** @param color false where the output is no terminal */
export function stackTable(stack: RunningStack, outside: Readonly<Record<string, string>>, color: boolean): string {
  const c = pc.createColors(color);
  const { temporal, temporalUi, ledger, model, metrics } = stack.addresses;
  const rows: [string, string | undefined, string][] = [
    ['Temporal', temporal, `namespace ${stack.namespace}`],
    ['Temporal UI', temporalUi, 'every run, step by step'],
    ['Ledger', ledger && withoutPassword(ledger), 'PostgreSQL wire, data in .segno/ledger'],
    ['Offline model', model, 'OpenAI wire'],
    ['Metrics', metrics, 'for Prometheus'],
    ...Object.entries(outside).map(([name, where]): [string, string, string] => [name, where, 'from the environment']),
  ];
  const shown = rows.filter((row): row is [string, string, string] => row[1] !== undefined);
  const [nameWidth, whereWidth] = [0, 1].map((column) => Math.max(...shown.map((row) => String(row[column]).length)));
  return shown
    .map(
      ([name, where, note]) =>
        `  ${name.padEnd(nameWidth ?? 0)}  ${c.cyan(where.padEnd(whereWidth ?? 0))}  ${c.dim(note)}`,
    )
    .join('\n');
}

/** One line of JSON with every address: for scripts that wait for the stack. */
export function stackJson(stack: RunningStack, outside: Readonly<Record<string, string>>): string {
  return JSON.stringify({ ready: true, pid: stack.pid, namespace: stack.namespace, ...stack.addresses, outside });
}

/** What is worth a line while the stack runs; undefined for what is not. */
export function noticeLine(notice: StackNotice, color: boolean): string | undefined {
  const c = pc.createColors(color);
  switch (notice.kind) {
    case 'ready':
      return notice.restarted ? `${c.green('✓')} ${notice.name} is back after ${seconds(notice.afterMs)}` : undefined;
    case 'died':
      return `${c.yellow('!')} ${notice.name} ended (${exitOf(notice)}); starting it again in ${seconds(notice.restartInMs)}`;
    case 'retrying':
      return `${c.yellow('!')} ${firstLine(notice.reason)} Trying again.`;
    case 'cleaned':
      return `${c.dim('·')} ended what a killed stack left running: ${listOf(notice.orphans)}`;
    case 'starting':
    case 'stopped':
      return undefined;
  }
}

/** What answers for the models, when no provider is configured. */
export function offlineNotice(color: boolean): string {
  const c: Colors = pc.createColors(color);
  return c.dim(
    'No provider is configured: the offline model answers. It is no language model; name one in segno.config.ts under providers.',
  );
}

/** A PostgreSQL URL as it may be shown. */
export function withoutPassword(url: string): string {
  try {
    const parsed = new URL(url);
    if (parsed.password) parsed.password = '***';
    for (const name of ['password', 'sslpassword']) {
      if (parsed.searchParams.has(name)) parsed.searchParams.set(name, '***');
    }
    return parsed.toString();
  } catch {
    return '(a connection string)';
  }
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
const firstLine = (text: string): string => text.split('\n')[0] ?? '';
const listOf = (processes: readonly { name: string; pid: number }[]): string =>
  processes.map(({ name, pid }) => `${name} (${pid})`).join(', ');

function exitOf({ exit }: Extract<StackNotice, { kind: 'died' }>): string {
  return exit.signal ?? `exit code ${exit.code}`;
}

import pc from 'picocolors';
import { errorKinds, SegnoError } from '../core/errors.js';

/** Colours follow the stream they are written to; NO_COLOR and FORCE_COLOR are honoured. */
export function colours(stream: NodeJS.WriteStream): ReturnType<typeof pc.createColors> {
  const { NO_COLOR, FORCE_COLOR } = process.env;
  return pc.createColors(!NO_COLOR && (FORCE_COLOR !== undefined || (stream.isTTY ?? false)));
}

/**
 * Text of others (a model's, a provider's, a tool's) as a terminal may show it: without the control characters that move its
 * cursor, change its title or hide what stands there.
 */
export function printable(text: string): string {
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '');
}

/** Nothing, as the result of a workflow that has none, is `null`. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value ?? null, jsonSafe, 2)}\n`);
}

function jsonSafe(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}

export const exitCodes = { failure: 1, usage: 2, dropped: 3, cancelled: 130 } as const;

/** Report an error the way the caller asked for, and set the exit code. Only what is not ours has a stack. */
export function reportError(
  error: unknown,
  { json = false, debug = false }: { json?: boolean; debug?: boolean } = {},
): void {
  process.exitCode = exitCodeOf(error);
  if (json) {
    printJson({ error: errorJson(error) });
    return;
  }
  const c = colours(process.stderr);
  if (!(error instanceof SegnoError)) {
    const text = error instanceof Error ? ((debug ? error.stack : undefined) ?? error.message) : String(error);
    process.stderr.write(`${c.red('error')}: ${printable(text)}\n`);
    return;
  }
  const step = error.details?.['step'];
  const lines = [`${c.red('error')} ${c.bold(error.type)}: ${printable(error.message)}`];
  if (typeof step === 'string') lines.push(c.dim(`  at step ${printable(step)}`));
  lines.push(c.dim(`  ${errorKinds[error.type].help}`));
  process.stderr.write(`${lines.join('\n')}\n`);
}

function exitCodeOf(error: unknown): number {
  if (!(error instanceof SegnoError)) return exitCodes.failure;
  if (error.type === 'Run.Dropped') return exitCodes.dropped;
  return error.type === 'Run.Cancelled' ? exitCodes.cancelled : exitCodes.failure;
}

function errorJson(error: unknown): Record<string, unknown> {
  if (error instanceof SegnoError) {
    return {
      type: error.type,
      message: error.message,
      help: errorKinds[error.type].help,
      ...(error.details && { details: error.details }),
    };
  }
  return { type: 'Error', message: error instanceof Error ? error.message : String(error) };
}

/** Rows under a heading, columns as wide as their widest cell. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const c = colours(process.stdout);
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => printable(cell).padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return [c.dim(line(headings)), ...rows.map(line)].join('\n');
}

/** 950 ms, 1.2 s, 3 m 04 s, 2 h 10 m, 3 d 4 h */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} m ${String(seconds % 60).padStart(2, '0')} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 1_440) return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} m`;
  return `${Math.floor(minutes / 1_440)} d ${Math.floor((minutes % 1_440) / 60)} h`;
}

export function formatTokens(tokens: number): string {
  return tokens < 10_000 ? String(tokens) : `${(tokens / 1_000).toFixed(1)}k`;
}

/** Cents and below matter in a step, so small amounts keep four significant digits. */
export function formatCost(usd: number): string {
  if (usd === 0) return '$0';
  return usd >= 1 ? `$${usd.toFixed(2)}` : `$${Number(usd.toPrecision(4)).toFixed(6).replace(/0+$/, '')}`;
}

/**
 * Where a page of prose parts into columns. The white stripe between two columns looks like the one between a table's
 * labels and its figures; what tells them apart is that both sides of a gutter are sentences.
 */
import { isFigure } from './tableCells.js';
import { rowsOf } from './rowLines.js';
import type { TextRun } from './textRun.js';

export type Zone =
  | { readonly kind: 'columns'; readonly left: TextRun[]; readonly right: TextRun[] }
  | { readonly kind: 'plain'; readonly runs: TextRun[] };

/** Words of one line without a column-wide gap between them. */
interface Segment {
  readonly x: number;
  readonly right: number;
  readonly y: number;
  readonly text: string;
  readonly runs: TextRun[];
}

const fewestProseLines = 5;
const candidateCount = 60;
/** A page of small print has 2,000 runs; more than this is no page for reading, and would hold the worker for seconds. */
const mostRuns = 10_000;

/** @returns the page's zones from top to bottom, or undefined when no part of it has columns */
export function findGutter(runs: readonly TextRun[]): { zones: Zone[] } | undefined {
  if (runs.length > mostRuns) return undefined;
  const segments = segmentsOf(runs);
  if (segments.filter(isProse).length < fewestProseLines * 2) return undefined;
  const left = Math.min(...bounds(segments, 'x'));
  const right = Math.max(...bounds(segments, 'right'));
  let best: { score: number; zones: Zone[] } | undefined;
  for (let step = 0; step <= candidateCount; step++) {
    const x = left + (right - left) * (0.2 + (0.6 * step) / candidateCount);
    const found = zonesAt(segments, x);
    if (found.score > (best?.score ?? 0)) best = found;
  }
  return best;
}

/** Spreading a hostile page's segments as arguments would overflow the stack: only the extremes are passed on. */
function bounds(segments: readonly Segment[], side: 'x' | 'right'): number[] {
  let low = Infinity;
  let high = -Infinity;
  for (const segment of segments) {
    low = Math.min(low, segment[side]);
    high = Math.max(high, segment[side]);
  }
  return [low, high];
}

function zonesAt(segments: readonly Segment[], x: number): { score: number; zones: Zone[] } {
  const zones: Zone[] = [];
  let score = 0;
  let open: Segment[] = [];
  const close = (): void => {
    if (open.length === 0) return;
    const left = open.filter((segment) => segment.right <= x);
    const right = open.filter((segment) => segment.x >= x);
    const columns = isColumn(left) && isColumn(right) && overlap(left, right);
    if (columns) score += open.reduce((sum, segment) => sum + segment.text.length, 0);
    if (columns)
      zones.push({ kind: 'columns', left: left.flatMap((s) => s.runs), right: right.flatMap((s) => s.runs) });
    else pushPlain(zones, open);
    open = [];
  };
  for (const segment of segments) {
    if (segment.x < x && segment.right > x) {
      close();
      pushPlain(zones, [segment]);
    } else {
      open.push(segment);
    }
  }
  close();
  return { score, zones };
}

/** Neighbouring plain zones are one: a row that has cells on both sides of a crossing one must stay a row. */
function pushPlain(zones: Zone[], segments: readonly Segment[]): void {
  const runs = segments.flatMap((segment) => segment.runs);
  const last = zones.at(-1);
  if (last?.kind === 'plain') last.runs.push(...runs);
  else zones.push({ kind: 'plain', runs });
}

/** Mostly full lines of sentences, each about as wide as the column. */
function isColumn(segments: readonly Segment[]): boolean {
  const prose = segments.filter(isProse);
  if (prose.length < fewestProseLines) return false;
  const proseCharacters = prose.reduce((sum, segment) => sum + segment.text.length, 0);
  const characters = segments.reduce((sum, segment) => sum + segment.text.length, 0);
  if (proseCharacters < characters * 0.6) return false;
  const punctuated = prose.filter((segment) => /[a-z)’”]{2}[.,;:]/.test(segment.text));
  if (punctuated.length < prose.length * 0.2) return false;
  const widths = prose.map((segment) => segment.right - segment.x).sort((a, b) => a - b);
  const median = widths[Math.floor(widths.length / 2)] ?? 0;
  const widest = widths.at(-1) ?? 0;
  return median > widest * 0.6;
}

function overlap(left: readonly Segment[], right: readonly Segment[]): boolean {
  const top = Math.max(left[0]?.y ?? 0, right[0]?.y ?? 0);
  const bottom = Math.min(left.at(-1)?.y ?? 0, right.at(-1)?.y ?? 0);
  return bottom > top;
}

function isProse(segment: Segment): boolean {
  return (
    segment.text.length >= 20 &&
    segment.text.split(' ').length >= 3 &&
    /[a-z]{2}/.test(segment.text) &&
    !isFigure(segment.text)
  );
}

function segmentsOf(runs: readonly TextRun[]): Segment[] {
  return rowsOf(runs).flatMap((row) => {
    const segments: Segment[] = [];
    let open: TextRun[] = [];
    const close = (): void => {
      const first = open[0];
      const last = open.at(-1);
      if (!first || !last) return;
      const text = open.map((run) => run.text.trim()).join(' ');
      segments.push({ x: first.x, right: last.x + last.width, y: row.y, text, runs: open });
      open = [];
    };
    for (const run of row.runs) {
      const last = open.at(-1);
      if (last && run.x - (last.x + last.width) > Math.min(last.size, run.size) * 1.0) close();
      open.push(run);
    }
    close();
    return segments;
  });
}

import { isClosing, isCurrency, isFigure, tableCells } from './tableCells.js';
import type { TextRun } from './textRun.js';

/** Runs that share a baseline, left to right. */
export interface Row {
  readonly y: number;
  readonly size: number;
  readonly runs: TextRun[];
}

/**
 * Group runs by baseline. Superscripts and footnote marks stay with their line: what counts is how far the boxes
 * overlap, not equal baselines.
 */
export function rowsOf(runs: readonly TextRun[]): Row[] {
  const rows: Row[] = [];
  const byHeight = [...runs].sort((a, b) => a.y - b.y || a.x - b.x);
  for (const run of byHeight) {
    const row = rows
      .slice(-3)
      .reverse()
      .find((candidate) => sharesLine(candidate, run));
    if (row) row.runs.push(run);
    else rows.push({ y: run.y, size: run.size, runs: [run] });
  }
  for (const row of rows) row.runs.sort((a, b) => a.x - b.x);
  return rows.sort((a, b) => a.y - b.y);
}

function sharesLine(row: Row, run: TextRun): boolean {
  const top = Math.max(row.y - row.size * 0.8, run.y - run.size * 0.8);
  const bottom = Math.min(row.y + row.size * 0.2, run.y + run.size * 0.2);
  return bottom - top > Math.min(row.size, run.size) * 0.5;
}

/** The row as one line: words by a space, cells by a TAB. */
export function lineOf(row: Row): string {
  const pieces: string[] = [];
  let previous: TextRun | undefined;
  for (const run of row.runs) {
    const last = pieces.at(-1);
    if (previous === undefined || last === undefined) {
      pieces.push(run.text);
    } else if (isOverprint(previous, run)) {
      continue;
    } else {
      const gap = run.x - (previous.x + previous.width);
      const size = Math.max(previous.size, run.size);
      if (gap > size * cellGap(last, run.text)) pieces.push(run.text);
      else pieces[pieces.length - 1] = gap > size * 0.12 ? `${last} ${run.text}` : last + run.text;
    }
    previous = run;
  }
  return tableCells(pieces.map(tidy).filter((piece) => piece !== '')).join('\t');
}

/** How wide a gap, in font sizes, separates cells: figures stand closer together than columns of words do. */
function cellGap(before: string, after: string): number {
  const left = before.trim();
  const right = after.trim();
  if (isFigure(left) && isFigure(right)) return 0.5;
  if (isFigure(right) || isCurrency(right) || isClosing(right)) return 0.8;
  return isFigure(left) ? 1 : 1.5;
}

/** Bold made by drawing the same text twice. */
function isOverprint(previous: TextRun, run: TextRun): boolean {
  return run.text === previous.text && Math.abs(run.x - previous.x) < run.size * 0.15 && run.width > 0;
}

function tidy(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

/**
 * The text of one page in reading order, as a pure function of what is drawn where.
 *
 * Invariants:
 * 1. A table row is one line, its cells separated by TAB; a TAB occurs nowhere else.
 * 2. Columns of prose are read one after the other; a table is never taken for columns of prose.
 * 3. No line of a page can be mistaken for a page marker (`[page N]`).
 */
import { lineOf, rowsOf } from './rowLines.js';
import type { Row } from './rowLines.js';
import { findGutter } from './findGutter.js';
import type { PageRuns, TextRun } from './textRun.js';

/** Columns within columns: three levels read eight columns, more than any page has. */
const deepestSplit = 3;

export function layoutPage(page: PageRuns): string[] {
  const runs = page.runs
    .filter((run) => run.text.trim() !== '')
    .filter((run) => run.x < page.width && run.x + run.width > 0 && run.y > 0 && run.y < page.height + run.size)
    .flatMap(splitWideSpaces);
  return readBlock(runs, 0).map(unmark);
}

function readBlock(runs: readonly TextRun[], depth: number): string[] {
  const gutter = depth < deepestSplit ? findGutter(runs) : undefined;
  if (!gutter)
    return rowsOf(runs)
      .map((row: Row) => lineOf(row))
      .filter((line) => line !== '');
  return gutter.zones.flatMap((zone) =>
    zone.kind === 'columns'
      ? [...readBlock(zone.left, depth + 1), ...readBlock(zone.right, depth + 1)]
      : readBlock(zone.runs, depth + 1),
  );
}

/** Tables typed with spaces, as in a fixed-width font, arrive as one run: part it at the wide gaps. */
function splitWideSpaces(run: TextRun): TextRun[] {
  if (!/\s{3}/.test(run.text)) return [run];
  const perCharacter = run.width / run.text.length;
  return [...run.text.matchAll(/\S+(?:\s{1,2}\S+)*/g)].map((match) => ({
    ...run,
    text: match[0],
    x: run.x + match.index * perCharacter,
    width: match[0].length * perCharacter,
  }));
}

function unmark(line: string): string {
  return /^\[page \d+\]$/i.test(line) ? line.replace('[', '(').replace(']', ')') : line;
}

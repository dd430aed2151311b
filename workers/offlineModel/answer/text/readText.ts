/**
 * A text as pages, lines and cells, in the format of the PDF reader: `[page N]` marker lines, cells separated by TAB.
 *
 * Invariants:
 * 1. Linear in the length of the text, whatever it holds: over-long lines are cut into pieces before anything looks at them.
 * 2. A text without markers has no pages: `page` is null, never a guessed 1.
 */
import { splitSentences } from './splitSentences.js';
import type { Sentence, TextLine } from './textLine.js';

export type { Sentence, TextLine } from './textLine.js';

export interface TextDocument {
  readonly lines: readonly TextLine[];
  readonly sentences: readonly Sentence[];
  readonly hasPages: boolean;
  readonly characters: number;
}

const longestLine = 4_000;
const pageMarker = /^\[page (\d{1,6})\]$/;

export function readText(text: string): TextDocument {
  const lines: TextLine[] = [];
  let page: number | null = null;
  for (const raw of text.split(/\r?\n|\f/)) {
    const marker = raw.length < 20 ? pageMarker.exec(raw.trim()) : null;
    if (marker) {
      page = Number(marker[1]);
      continue;
    }
    for (let from = 0; from === 0 || from < raw.length; from += longestLine) {
      const piece = raw.length > longestLine ? raw.slice(from, from + longestLine) : raw;
      lines.push({ text: piece.trim(), cells: splitCells(piece), page, index: lines.length });
    }
  }
  return { lines, sentences: splitSentences(lines), hasPages: page !== null, characters: text.length };
}

/** Cells of a line; the pipes of a Markdown or ASCII table count as separators too. */
function splitCells(line: string): string[] {
  const separated = line.includes('\t')
    ? line.split('\t')
    : /^\s*\|.*\|\s*$/.test(line)
      ? line.trim().slice(1, -1).split('|')
      : [line];
  return separated.map((cell) => cell.trim()).filter((cell) => cell !== '');
}

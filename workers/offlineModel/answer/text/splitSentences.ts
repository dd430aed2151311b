/**
 * Sentences of a document's lines. Wrapped lines are joined; headings, table rows and list items stand alone, and table
 * rows are left out: they are read as tables.
 */
import type { Sentence, TextLine } from './textLine.js';

const abbreviations = new Set(
  'mr mrs ms dr prof inc corp ltd co llc no nos vs etc e.g i.e u.s u.k jan feb mar apr jun jul aug sep sept oct nov dec fig approx st rs p pp al cf'.split(
    ' ',
  ),
);
const longestSentence = 1_200;
const listItem = /^(?:[•●▪◦‣·*+-]|\d{1,2}[.)]|\(?[a-z]\))\s+/;

export function splitSentences(lines: readonly TextLine[]): Sentence[] {
  const sentences: Sentence[] = [];
  let block = '';
  let page: number | null = null;
  const flush = (): void => {
    if (block) for (const text of splitBlock(block)) sentences.push({ text, page, index: sentences.length });
    block = '';
  };
  for (const line of lines) {
    const isItem = listItem.test(line.text);
    const joins = block !== '' && continues(block, line) && !isItem;
    if (!joins) flush();
    if (line.text === '' || (line.cells.length > 1 && !isItem)) {
      flush();
      continue;
    }
    const text = line.cells
      .join(' ')
      .replace(listItem, '')
      .replace(/^#{1,6}\s+/, '');
    if (block === '') page = line.page;
    block = block === '' ? text : `${block} ${text}`;
    if (line.text.startsWith('#') || block.length > longestSentence * 4) flush();
  }
  flush();
  return sentences;
}

/** Whether the line goes on with the sentence begun before it: that one is unfinished and reads like running text. */
function continues(block: string, line: TextLine): boolean {
  if (line.text === '' || line.cells.length > 1) return false;
  if (/^[a-z(,;“"'$₹€£\d]/.test(line.text) && !/[.!?:]["”’)]?$/.test(block)) return true;
  return block.length > 45 && (/[a-z,;0-9%’”)]$/.test(block) || /[.!?]["”’)]?$/.test(block)) && line.text.length > 20;
}

function splitBlock(block: string): string[] {
  const parts: string[] = [];
  let from = 0;
  const stop = /[.!?;]["”’)]?\s+/g;
  for (let match = stop.exec(block); match; match = stop.exec(block)) {
    const end = match.index + match[0].length;
    if (!endsSentence(block, from, match.index, end)) continue;
    push(block.slice(from, end));
    from = end;
  }
  push(block.slice(from));
  return parts;

  function push(part: string): void {
    const text = part.replace(/\s+/g, ' ').trim();
    for (let at = 0; at < text.length; at += longestSentence) parts.push(text.slice(at, at + longestSentence));
  }
}

function endsSentence(block: string, from: number, at: number, next: number): boolean {
  const mark = block[at];
  if (mark === ';') return at - from > 60;
  const following = block[next];
  if (following !== undefined && /[a-z]/.test(following)) return false;
  if (mark !== '.') return true;
  const word = /[A-Za-z.]{1,12}$/.exec(block.slice(Math.max(from, at - 12), at))?.[0].toLowerCase();
  if (word === undefined) return true;
  return !abbreviations.has(word) && !/^[a-z]$/.test(word);
}

/**
 * Cuts a long text into parts that a tool or an agent can take in.
 *
 * Invariants:
 * 1. Without overlap the parts, put together, are the text.
 * 2. No part is longer than asked for (a page may be), none is empty, and no character is cut in two.
 * 3. A cut falls on the end of a paragraph, a line or a word, if there is one in the part's second half.
 */
export type SplitOptions =
  /** Characters (UTF-16 units) a part. */
  | { by: 'size'; size: number; overlap?: number }
  /** Tokens a part, estimated at three characters each. */
  | { by: 'tokens'; size: number; overlap?: number }
  /** Pages a part; default 1. A line `[page N]` starts a page, as in the text of `readDocument`. */
  | { by: 'pages'; size?: number };

export interface TextPart {
  text: string;
  /** From 1. */
  number: number;
  of: number;
}

/** Figures and punctuation cost more tokens than prose; three characters a token errs on the safe side for both. */
const charactersPerToken = 3;

export function splitText(text: string, options: SplitOptions): TextPart[] {
  const texts = textsOf(text, options);
  return texts.map((part, index) => ({ text: part, number: index + 1, of: texts.length }));
}

function textsOf(text: string, options: SplitOptions): string[] {
  if (options.by === 'pages') return splitPages(text, options.size ?? 1);
  const unit = options.by === 'tokens' ? charactersPerToken : 1;
  return splitSize(text, options.size * unit, (options.overlap ?? 0) * unit);
}

/** @returns what is wrong with the options, if anything */
export function splitFault(options: SplitOptions): string | undefined {
  const { by, size = 1 } = options;
  // A character may take two units.
  const smallest = by === 'size' ? 2 : 1;
  if (!Number.isInteger(size) || size < smallest) return `split.size: ${size} is no number of ${smallest} or more`;
  if (options.by === 'pages' || options.overlap === undefined) return undefined;
  const { overlap } = options;
  if (Number.isInteger(overlap) && overlap >= 0 && overlap <= size / 2) return undefined;
  return `split.overlap: ${overlap} is not between 0 and half of size`;
}

function splitPages(text: string, size: number): string[] {
  const pages = text.split(/^(?=\[page \d+\]$)/m).filter((page) => page !== '');
  const parts: string[] = [];
  for (let first = 0; first < pages.length; first += size) parts.push(pages.slice(first, first + size).join(''));
  return parts;
}

function splitSize(text: string, size: number, overlap: number): string[] {
  const parts: string[] = [];
  for (let start = 0; start < text.length;) {
    const end = cutAt(text, start, size);
    parts.push(text.slice(start, end));
    if (end === text.length) break;
    const next = wholeCharacter(text, end - overlap);
    const goesOn = next > start && cutAt(text, next, size) > end;
    start = goesOn ? next : end;
  }
  return parts;
}

/** Where a part that begins at `start` ends. */
function cutAt(text: string, start: number, size: number): number {
  if (text.length - start <= size) return text.length;
  const hardEnd = start + size;
  for (const border of ['\n\n', '\n', ' ']) {
    const found = text.lastIndexOf(border, hardEnd - border.length);
    if (found + border.length > start + size / 2) return found + border.length;
  }
  const end = wholeCharacter(text, hardEnd);
  return end < hardEnd && end > start ? end : hardEnd;
}

/** Before the character that `at` falls into. */
function wholeCharacter(text: string, at: number): number {
  const unit = text.charCodeAt(at);
  return unit >= 0xdc00 && unit <= 0xdfff ? at - 1 : at;
}

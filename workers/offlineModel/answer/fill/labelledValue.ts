import type { TextLine } from '../text/readText.js';

export interface Labelled {
  readonly text: string;
  readonly page: number | null;
}

const labelLine =
  /^(?:[•*-]\s*)?\*{0,2}([\p{L}][\p{L}\p{N} _/&’'().#-]{0,48}?)\*{0,2}\s*(?::|=|\t|\|)\s*\*{0,2}\s*(\S.{0,400})$/u;

/** What stands behind the field's own words and a colon: `Order number: 4711`. All the words, in any order. */
export function labelledValue(words: readonly string[], lines: readonly TextLine[]): Labelled | null {
  if (words.length === 0) return null;
  for (const line of lines) {
    if (line.text.length > 500) continue;
    const match = labelLine.exec(line.text);
    if (!match?.[1] || !match[2]) continue;
    const label = match[1]
      .toLowerCase()
      .split(/[^\p{L}\p{N}]+/u)
      .filter(Boolean);
    if (label.length <= words.length + 1 && words.every((word) => label.includes(word) || label.includes(`${word}s`))) {
      return { text: match[2].replace(/\*+$/, '').trim(), page: line.page };
    }
  }
  return null;
}

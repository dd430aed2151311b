/**
 * A string that matches a simple pattern: what is left when a schema demands one and the text has none.
 * Understands literals, classes, groups, alternatives and quantifiers; anything else gives null.
 */
import { matchesPattern } from './isValid.js';

export function samplePattern(pattern: string): string | null {
  const reader = { text: pattern, at: 0 };
  const sample = readAlternatives(reader, 0);
  return sample !== null && reader.at >= pattern.length && matchesPattern(sample, pattern) ? sample : null;
}

interface Reader {
  readonly text: string;
  at: number;
}

function readAlternatives(reader: Reader, depth: number): string | null {
  if (depth > 10) return null;
  const first = readSequence(reader, depth);
  while (reader.text[reader.at] === '|') {
    reader.at += 1;
    if (readSequence(reader, depth) === null) return null;
  }
  return first;
}

function readSequence(reader: Reader, depth: number): string | null {
  let out = '';
  while (reader.at < reader.text.length && !'|)'.includes(reader.text[reader.at] ?? '')) {
    const atom = readAtom(reader, depth);
    if (atom === null) return null;
    out += atom.repeat(readCount(reader));
    if (out.length > 300) return null;
  }
  return out;
}

function readAtom(reader: Reader, depth: number): string | null {
  const char = reader.text[reader.at++] ?? '';
  if (char === '^' || char === '$') return '';
  if (char === '.') return 'a';
  if (char === '\\') return readEscape(reader.text[reader.at++] ?? '');
  if (char === '[') return readClass(reader);
  if (char !== '(') return char;
  const ahead = /^\?(?:[=!]|<[=!])/.exec(reader.text.slice(reader.at, reader.at + 3));
  reader.at += /^\?(?::|[=!]|<[=!]|<\w+>)/.exec(reader.text.slice(reader.at, reader.at + 40))?.[0].length ?? 0;
  const group = readAlternatives(reader, depth + 1);
  if (reader.text[reader.at++] !== ')') return null;
  return ahead ? '' : group;
}

function readEscape(char: string): string | null {
  const samples: Readonly<Record<string, string>> = {
    d: '0',
    w: 'a',
    s: ' ',
    b: '',
    B: '',
    D: 'a',
    S: 'a',
    t: '\t',
    n: '\n',
  };
  return samples[char] ?? (/[\W_]/.test(char) ? char : null);
}

function readClass(reader: Reader): string | null {
  const end = closingBracket(reader);
  if (end < 0) return null;
  const body = reader.text.slice(reader.at, end);
  reader.at = end + 1;
  const test = new RegExp(`^[${body}]$`, 'u');
  for (const char of 'aA0-_ .x1:/') if (test.test(char)) return char;
  for (let code = 33; code < 383; code += 1) if (test.test(String.fromCharCode(code))) return String.fromCharCode(code);
  return null;
}

function closingBracket(reader: Reader): number {
  for (let at = reader.at; at < reader.text.length; at += 1) {
    if (reader.text[at] === '\\') at += 1;
    else if (reader.text[at] === ']') return at;
  }
  return -1;
}

function readCount(reader: Reader): number {
  const match = /^(?:\{(\d+)(?:,\d*)?\}|[*+?])\??/.exec(reader.text.slice(reader.at, reader.at + 20));
  if (!match) return 1;
  reader.at += match[0].length;
  if (match[1] !== undefined) return Math.min(300, Number(match[1]));
  return match[0].startsWith('+') ? 1 : 0;
}

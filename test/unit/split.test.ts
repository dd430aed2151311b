import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitFault, splitText } from '../../core/split.js';

const texts = (
  text: string,
  ...options: Parameters<typeof splitText> extends [string, infer O] ? [O] : never
): string[] => splitText(text, ...options).map((part) => part.text);

describe('a text that is cut', () => {
  it('breaks at the end of a paragraph, else of a line, else of a word, else anywhere', () => {
    expect(texts('one two\n\nthree four five', { by: 'size', size: 12 })).toEqual([
      'one two\n\n',
      'three four ',
      'five',
    ]);
    expect(texts('one two\nthree', { by: 'size', size: 9 })).toEqual(['one two\n', 'three']);
    expect(texts('abcdefgh', { by: 'size', size: 3 })).toEqual(['abc', 'def', 'gh']);
  });

  it('has parts of so many pages, and what stands before the first page is a page', () => {
    const text = '[page 1]\na\n[page 2]\nb\n[page 3]\nc';
    expect(texts(text, { by: 'pages', size: 2 })).toEqual(['[page 1]\na\n[page 2]\nb\n', '[page 3]\nc']);
    expect(texts(`intro\n${text}`, { by: 'pages' })).toHaveLength(4);
  });

  it('numbers its parts; an empty text has none', () => {
    expect(splitText('ab cd', { by: 'size', size: 3 })).toMatchObject([
      { number: 1, of: 2 },
      { number: 2, of: 2 },
    ]);
    expect(splitText('', { by: 'size', size: 3 })).toEqual([]);
    expect(splitText('', { by: 'pages' })).toEqual([]);
  });

  it('repeats so much of the part before, if it is told to', () => {
    expect(texts('abcdefgh', { by: 'size', size: 4, overlap: 2 })).toEqual(['abcd', 'cdef', 'efgh']);
  });

  it('refuses sizes that make no parts', () => {
    expect(splitFault({ by: 'size', size: 1 })).toContain('split.size');
    expect(splitFault({ by: 'tokens', size: 0 })).toContain('split.size');
    expect(splitFault({ by: 'pages', size: 1.5 })).toContain('split.size');
    expect(splitFault({ by: 'size', size: 10, overlap: 6 })).toContain('split.overlap');
    expect(splitFault({ by: 'size', size: 10, overlap: 5 })).toBeUndefined();
    expect(splitFault({ by: 'pages' })).toBeUndefined();
  });

  const hasHalves = /\p{Surrogate}/u;
  const anyText = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 300 }),
    fc
      .array(fc.constantFrom('word', ' ', '\n', '\n\n', '😀', '[page 3]'), { maxLength: 80 })
      .map((parts) => parts.join('')),
  );

  it('is, put together again, what it was; and no part is too long, empty or half a character', () => {
    fc.assert(
      fc.property(anyText, fc.integer({ min: 2, max: 40 }), (text, size) => {
        const parts = texts(text, { by: 'size', size });
        expect(parts.join('')).toBe(text);
        for (const part of parts) {
          expect(part.length).toBeGreaterThan(0);
          expect(part.length).toBeLessThanOrEqual(size);
          expect(hasHalves.test(part)).toBe(false);
        }
        expect(texts(text, { by: 'pages', size }).join('')).toBe(text);
      }),
    );
  });

  it('comes to its end with any overlap, and leaves nothing out', () => {
    const separators = fc.array(fc.constantFrom('', '', ' ', '\n', '\n\n', '\n\n\n'), { maxLength: 80 });
    fc.assert(
      fc.property(separators, fc.integer({ min: 2, max: 40 }), fc.nat(20), (between, size, wanted) => {
        const overlap = Math.min(wanted, Math.floor(size / 2));
        // Every character but the separators occurs once, and its number is its place.
        const text = between.map((separator, index) => String.fromCodePoint(0x4e00 + index) + separator).join('');
        let next = 0;
        for (const part of texts(text, { by: 'size', size, overlap })) {
          const places = [...part.replace(/\s/g, '')].map((character) => character.codePointAt(0)! - 0x4e00);
          expect(places).toEqual(places.map((_, index) => places[0]! + index));
          expect(places[0] ?? next).toBeLessThanOrEqual(next);
          next = Math.max(next, (places.at(-1) ?? -1) + 1);
        }
        expect(next).toBe(between.length);
      }),
    );
  });
});

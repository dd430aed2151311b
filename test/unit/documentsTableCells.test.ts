import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tableCells } from '../../activities/tools/pdf/tableCells.js';

describe('tableCells', () => {
  it.each([
    [
      ['Net income', '$', '1,234', '$', '(56', ')'],
      ['Net income', '$ 1,234', '$ (56)'],
    ],
    [
      ['Net loss $', '(17,325) $', '119,158'],
      ['Net loss', '$ (17,325)', '$ 119,158'],
    ],
    [
      ['$', '(17,325) $', '119,158'],
      ['$ (17,325)', '$ 119,158'],
    ],
    [
      ['Change', '12', '%', '(3', ')%'],
      ['Change', '12%', '(3)%'],
    ],
    [
      ['Sales', '$ 82,959 $ 81,434'],
      ['Sales', '$ 82,959', '$ 81,434'],
    ],
    [
      ['Sales', '82,959 81,434', '2'],
      ['Sales', '82,959', '81,434', '2'],
    ],
    [
      ['Loss', '(', '1,234', ')'],
      ['Loss', '(1,234)'],
    ],
    [
      ['Loss', '(1,234 )', '5'],
      ['Loss', '(1,234)', '5'],
    ],
    [
      ['Nil', '$', '—', '—'],
      ['Nil', '$ —', '—'],
    ],
    [
      ['October 30,', '$', '%'],
      ['October 30,', '$', '%'],
    ],
    [
      ['Revenue', '₹', '5,200.5', 'Rs.', '12'],
      ['Revenue', '₹ 5,200.5', 'Rs. 12'],
    ],
    [['a single cell $ 5'], ['a single cell $ 5']],
  ])('reads %j as %j', (pieces, cells) => {
    expect(tableCells(pieces)).toEqual(cells);
  });

  it('loses and invents nothing but spaces', () => {
    const piece = fc.oneof(
      fc.string({ unit: fc.constantFrom(...'$₹(),.%—0123456789 aB') }),
      fc.constantFrom('$', ')', '%', '1,234', '(56'),
    );
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        expect(tableCells(pieces).join('').replace(/\s/g, '')).toBe(pieces.join('').replace(/\s/g, ''));
      }),
      { numRuns: 500 },
    );
  });

  it('stays fast on a megabyte of digits', () => {
    const started = performance.now();
    tableCells(['Label', '1'.repeat(1_000_000), '$1 '.repeat(300_000), '('.repeat(1_000_000)]);
    expect(performance.now() - started).toBeLessThan(500);
  });
});

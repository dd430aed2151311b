import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addTotals,
  batchSizeOf,
  type BatchTotals,
  type ItemEnd,
  mostItems,
  noTotals,
  totalsOf,
} from '../../core/batches.js';

describe('the size of a batch', () => {
  const size = (items: number, concurrency = 4, batchSize?: number) =>
    batchSizeOf(items, { concurrency, largestBatch: 500, ...(batchSize !== undefined && { batchSize }) });

  it('gives every batch at once its share, within what is worth a batch', () => {
    expect([10, 400, 10_000, 100_000].map((items) => size(items))).toEqual([20, 100, 500, 500]);
  });

  it('is what was asked for', () => {
    expect(size(1_000, 4, 7)).toBe(7);
  });

  it('keeps the number of batches bounded', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: mostItems }), fc.integer({ min: 1, max: 500 }), (items, asked) => {
        expect(Math.ceil(items / size(items, 4, asked))).toBeLessThanOrEqual(10_000);
      }),
    );
  });
});

describe('totals', () => {
  const end: fc.Arbitrary<ItemEnd> = fc.oneof(
    fc.tuple(fc.jsonValue()),
    fc.constant({ type: 'Tool.Failed', message: 'no' }),
  );
  const used = { usage: [1, 2, '3'] as [number, number, string], repetitions: 1 };

  it('are the same in whatever order the batches end, and name the first failures', () => {
    fc.assert(
      fc.property(fc.array(fc.array(end, { maxLength: 30 }), { maxLength: 8 }), (batches) => {
        let first = 0;
        const totals = batches.map((ends) => {
          const one = totalsOf(ends, first, used);
          first += ends.length;
          return one;
        });
        const sum = (all: readonly BatchTotals[]) => all.reduce(addTotals, noTotals);
        const all = sum(totals);
        expect(sum([...totals].reverse())).toEqual(all);
        expect(all.completed + all.failed).toBe(first);
        const failed = batches.flat().flatMap((each, item) => (Array.isArray(each) ? [] : [item]));
        expect(all.failures.map(({ item }) => item)).toEqual(failed.slice(0, 20));
      }),
    );
  });
});

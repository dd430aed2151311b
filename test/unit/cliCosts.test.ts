import { describe, expect, it } from 'vitest';
import { costsTable } from '../../cli/commands/spending.js';

const row = (name: string, calls: number, usd: number) => ({
  ...{ name, calls, inputTokens: calls * 10, outputTokens: calls, cachedInputTokens: 0, estimated: false },
  costPicoUsd: BigInt(usd * 1e12),
});

describe('the table of costs', () => {
  it('says what the rows it leaves out come to, above the sum of all', () => {
    const total = { ...row('', 26, 0.5), names: 5 };
    const lines = costsTable({ rows: [row('a', 4, 0.25), row('b', 2, 0.125)], total }, 'RUN').split('\n');
    expect(lines.slice(1)).toEqual([
      'a      4      40     4       $0.25',
      'b      2      20     2       $0.125',
      '… and 3 more: 20 calls, $0.125',
      'total  26     260    26      $0.5',
    ]);
  });

  it('has no sum of one row', () => {
    expect(
      costsTable({ rows: [row('a', 1, 1)], total: { ...row('', 1, 1), names: 1 } }, 'RUN').split('\n'),
    ).toHaveLength(2);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { costPicoUsd, formatUsd, picoToUsd } from '../../core/money.js';

/** A price as a whole number of micro-USD per million tokens, so that the test can reckon exactly. */
const micros = fc.integer({ min: 0, max: 1_000_000_000 });
const count = fc.integer({ min: 0, max: 10_000_000 });

describe('costPicoUsd', () => {
  it('prices a million tokens at exactly the price of a million', () => {
    const price = { input: 1.25, output: 10, cachedInput: 0.125 };
    expect(costPicoUsd({ inputTokens: 1_000_000, outputTokens: 0 }, price)).toBe(1_250_000_000_000n);
    expect(costPicoUsd({ inputTokens: 0, outputTokens: 1_000_000 }, price)).toBe(10_000_000_000_000n);
    expect(costPicoUsd({ inputTokens: 1_000_000, outputTokens: 0, cachedInputTokens: 1_000_000 }, price)).toBe(
      125_000_000_000n,
    );
  });

  it('is exact for every price of six decimals', () => {
    fc.assert(
      fc.property(count, count, micros, micros, (inputTokens, outputTokens, input, output) => {
        const cost = costPicoUsd({ inputTokens, outputTokens }, { input: input / 1e6, output: output / 1e6 });
        expect(cost).toBe(BigInt(inputTokens) * BigInt(input) + BigInt(outputTokens) * BigInt(output));
      }),
    );
  });

  it('counts cached tokens as a part of the input, at the input price unless they have their own', () => {
    const usage = { inputTokens: 100, outputTokens: 0, cachedInputTokens: 40 };
    expect(costPicoUsd(usage, { input: 1, output: 0 })).toBe(100_000_000n);
    expect(costPicoUsd(usage, { input: 1, output: 0, cachedInput: 0.1 })).toBe(64_000_000n);
  });

  it('refuses what it could not reckon exactly', () => {
    expect(() => costPicoUsd({ inputTokens: 1, outputTokens: 0 }, { input: 0.000_000_1, output: 0 })).toThrow(
      RangeError,
    );
    expect(() => costPicoUsd({ inputTokens: 1.5, outputTokens: 0 }, { input: 1, output: 0 })).toThrow(RangeError);
    expect(() => costPicoUsd({ inputTokens: -1, outputTokens: 0 }, { input: 1, output: 0 })).toThrow(RangeError);
    expect(() => costPicoUsd({ inputTokens: 1, outputTokens: 0 }, { input: -1, output: 0 })).toThrow(RangeError);
    expect(() =>
      costPicoUsd({ inputTokens: 1, outputTokens: 0, cachedInputTokens: 2 }, { input: 1, output: 0 }),
    ).toThrow(RangeError);
  });
});

describe('formatUsd', () => {
  it.each([
    [0n, '$0.00'],
    [1n, '<$0.00001'],
    [10_000_000n, '$0.00001'],
    [420_000_000n, '$0.00042'],
    [999_999_999_999n, '$1.00'],
    [100_000_000_000n, '$0.10'],
    [123_450_000_000n, '$0.12345'],
    [1_000_000_000_000n, '$1.00'],
    [12_345_678_000_000n, '$12.35'],
    [-2_500_000_000_000n, '-$2.50'],
  ])('shows %s pico-USD as %s', (pico, text) => {
    expect(formatUsd(pico)).toBe(text);
  });
});

it('picoToUsd is the dollars of it', () => {
  expect(picoToUsd(1_250_000_000_000n)).toBe(1.25);
});

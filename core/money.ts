/**
 * Money as whole pico-USD (1e-12 USD) in a bigint.
 *
 * Invariants:
 * 1. A price of up to six decimals per million tokens is a whole number of pico-USD per token, so no cost is ever rounded.
 * 2. Sums are made of bigints; a `number` is for showing only.
 */

const picoPerUsd = 1_000_000_000_000n;
/** Of a price in USD per million tokens. */
export const maxPriceDecimals = 6;

/** Tokens of one or more model calls. `inputTokens` includes the cached ones, as providers count them. */
export interface TokenUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedInputTokens?: number | undefined;
}

/** USD per million tokens, up to six decimals. Without `cachedInput`, cached tokens cost what `input` costs. */
export interface TokenPrice {
  readonly input: number;
  readonly output: number;
  readonly cachedInput?: number | undefined;
}

/**
 * The exact cost of a model call.
 *
 * @throws RangeError for a price with more than six decimals, or a negative or fractional number of tokens
 */
export function costPicoUsd(usage: TokenUsage, price: TokenPrice): bigint {
  const cached = tokens(usage.cachedInputTokens ?? 0);
  const uncached = tokens(usage.inputTokens) - cached;
  if (uncached < 0n) throw new RangeError('cachedInputTokens is a part of inputTokens and cannot be more');
  const input = picoPerToken(price.input);
  const cachedInput = price.cachedInput === undefined ? input : picoPerToken(price.cachedInput);
  return uncached * input + cached * cachedInput + tokens(usage.outputTokens) * picoPerToken(price.output);
}

/** For display and for JSON; exact up to about 9,000 USD, rounded to the nearest double above. */
export function picoToUsd(pico: bigint): number {
  return Number(pico) / Number(picoPerUsd);
}

/** @param usd rounded to a whole pico-USD; what a double cannot say more finely is over 9,000 USD */
export function picoOfUsd(usd: number): bigint {
  return BigInt(Math.round(usd * Number(picoPerUsd)));
}

/**
 * Money for people: two decimals from a dollar on, otherwise enough to show a cent's thousandth part (`$0.00042`).
 * What is smaller but not nothing reads `<$0.00001`.
 */
export function formatUsd(pico: bigint): string {
  const sign = pico < 0n ? '-' : '';
  const absolute = pico < 0n ? -pico : pico;
  if (absolute === 0n) return '$0.00';
  if (absolute < picoPerUsd / 100_000n) return `${sign}<$0.00001`;
  const decimals = absolute >= picoPerUsd ? 2 : 5;
  const unit = picoPerUsd / 10n ** BigInt(decimals);
  const rounded = (absolute + unit / 2n) / unit;
  const digits = rounded.toString().padStart(decimals + 1, '0');
  const fraction = digits.slice(-decimals).replace(/0{1,3}$/, (zeros) => (decimals > 2 ? '' : zeros));
  return `${sign}$${digits.slice(0, -decimals)}.${fraction.padEnd(2, '0')}`;
}

function tokens(count: number): bigint {
  if (!Number.isSafeInteger(count) || count < 0) throw new RangeError(`${count} is not a number of tokens`);
  return BigInt(count);
}

/** USD per million tokens is micro-USD per token, and a micro-USD is a million pico-USD. */
function picoPerToken(usdPerMillion: number): bigint {
  if (!Number.isFinite(usdPerMillion) || usdPerMillion < 0) throw new RangeError(`${usdPerMillion} is not a price`);
  const fixed = usdPerMillion.toFixed(maxPriceDecimals);
  if (Number(fixed) !== usdPerMillion) {
    throw new RangeError(`a price has at most ${maxPriceDecimals} decimals, ${usdPerMillion} has more`);
  }
  return BigInt(fixed.replace('.', ''));
}

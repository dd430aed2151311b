/** What is reported of repeated measurements: never a single one. */
export interface Spread {
  min: number;
  median: number;
  max: number;
  p99: number;
}

export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
  return { min: at(0), median: at(0.5), max: at(1), p99: at(0.99) };
}

export function format({ min, median, max }: Spread, unit: string, digits = 1): string {
  return `${median.toFixed(digits)} ${unit} (${min.toFixed(digits)} to ${max.toFixed(digits)})`;
}

/** One row of BENCHMARKS.md. */
export interface Row {
  figure: string;
  value: string;
  target?: string;
  met?: boolean;
}

/** Ratios are taken round by round, so that they hold while the machine's speed drifts. */
export function ratio(of: readonly number[], to: readonly number[]): Spread {
  return spread(of.map((value, round) => value / (to[round] ?? Number.NaN)));
}

/** Values of options: what is none is wrong usage (exit code 2), told by Commander beside the option's name. */
import { InvalidArgumentError } from 'commander';

export function seconds(source: string): number {
  const value = Number(source);
  if (source.trim() === '' || !(value > 0) || !Number.isFinite(value))
    throw new InvalidArgumentError('It is a positive number of seconds.');
  return value;
}

export function positive(source: string): number {
  const value = Number(source);
  if (source.trim() === '' || !(value > 0) || !Number.isFinite(value)) {
    throw new InvalidArgumentError('It is a positive number.');
  }
  return value;
}

export function wholeNumber(least: number, most: number): (source: string) => number {
  return (source) => {
    const value = Number(source);
    if (source.trim() === '' || !Number.isInteger(value) || value < least || value > most) {
      throw new InvalidArgumentError(`It is a whole number from ${least} to ${most}.`);
    }
    return value;
  };
}

const durationUnitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

/** A length of time: `500ms`, `30s`, `5m`, `1h`. */
export function durationMs(source: string): number {
  const [, amount = '', unit = ''] = /^(\d{1,9})(ms|s|m|h)$/.exec(source.trim()) ?? [];
  const value = Number(amount) * (durationUnitMs[unit as keyof typeof durationUnitMs] ?? 0);
  if (!(value > 0)) throw new InvalidArgumentError('It is a length of time: 500ms, 30s, 5m, 1h.');
  return value;
}

const unitMs = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

/** A moment in the past, as ISO 8601: `7d` ago, or a date. */
export function since(source: string): string {
  const [, amount = '', unit = ''] = /^(\d{1,6})([mhdw])$/.exec(source.trim()) ?? [];
  if (unit !== '') return new Date(Date.now() - Number(amount) * unitMs[unit as keyof typeof unitMs]).toISOString();
  const date = /^\d{4}-\d{2}-\d{2}(T[\d:.]+(Z|[+-]\d{2}:\d{2})?)?$/.test(source) ? new Date(source) : undefined;
  if (!date || Number.isNaN(date.getTime()))
    throw new InvalidArgumentError('It is an age (30m, 12h, 7d, 2w) or a date (2026-11-21).');
  return date.toISOString();
}

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

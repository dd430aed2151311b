/** What is wrong with the numbers of some options, by their names: each a whole number of its range, both ends included; one that is left out is none. */
export function rangeFaults(
  values: Readonly<Record<string, number | undefined>>,
  lowest: number,
  highest: number,
): string[] {
  return Object.entries(values).flatMap(([name, value]) =>
    value === undefined || (Number.isInteger(value) && value >= lowest && value <= highest)
      ? []
      : [`${name}: ${value} is not between ${lowest} and ${highest}`],
  );
}

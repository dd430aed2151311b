/**
 * How large a value is that references have put together: parts that stand in it many times are one object in memory, but count
 * each time, as they will in JSON.
 *
 * Invariant: the work ends with the bounds, however large the value is.
 */
export interface ValueBounds {
  /** Objects, lists and values in all. */
  values: number;
  /** Of texts and of names of fields. */
  characters: number;
  /** Objects and lists in each other. */
  depth: number;
}

export interface ValueSize {
  /** Looked at: all there are, unless it is over a bound. */
  values: number;
  characters: number;
  /** The bound that it is over. */
  over?: keyof ValueBounds;
}

export function sizeWithin(value: unknown, most: ValueBounds): ValueSize {
  const size: ValueSize = { values: 0, characters: 0 };
  look(value, 0, size, most);
  return size;
}

/** @returns whether all of it is within the bounds */
function look(value: unknown, depth: number, size: ValueSize, most: ValueBounds): boolean {
  size.values += 1;
  if (typeof value === 'string') size.characters += value.length;
  if (size.values > most.values) size.over = 'values';
  if (size.characters > most.characters) size.over = 'characters';
  if (typeof value !== 'object' || value === null) return size.over === undefined;
  if (depth >= most.depth) size.over = 'depth';
  if (size.over !== undefined) return false;
  if (Array.isArray(value)) return value.every((part) => look(part, depth + 1, size, most));
  return Object.entries(value).every(([name, part]) => {
    size.characters += name.length;
    return look(part, depth + 1, size, most);
  });
}

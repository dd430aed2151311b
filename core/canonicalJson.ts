/**
 * The one JSON text of a value, to be hashed.
 *
 * Invariants:
 * 1. It reads back as the same value that `JSON.stringify` would have stored (`toJSON`, dropped `undefined`, `null` for
 *    what JSON cannot say), so hashing never changes what a step returns.
 * 2. Two values that differ only in the order of their keys have the same text.
 */
export function canonicalJson(value: unknown): string {
  return write(value, '') ?? 'null';
}

function write(value: unknown, key: string): string | undefined {
  const plain = hasToJson(value) ? value.toJSON(key) : value;
  if (plain === null || typeof plain !== 'object') return JSON.stringify(plain);
  if (plain instanceof Number || plain instanceof String || plain instanceof Boolean) return JSON.stringify(plain);
  if (Array.isArray(plain)) {
    // Array.from visits the holes of a sparse array too; JSON has null for them.
    return `[${Array.from(plain, (item: unknown, index) => write(item, String(index)) ?? 'null').join(',')}]`;
  }
  const members: string[] = [];
  const record = plain as Record<string, unknown>;
  for (const name of Object.keys(record).sort()) {
    const text = write(record[name], name);
    if (text !== undefined) members.push(`${JSON.stringify(name)}:${text}`);
  }
  return `{${members.join(',')}}`;
}

function hasToJson(value: unknown): value is { toJSON(key: string): unknown } {
  return typeof value === 'object' && value !== null && 'toJSON' in value && typeof value.toJSON === 'function';
}

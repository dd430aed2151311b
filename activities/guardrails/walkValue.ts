/**
 * The leaves of a value of JSON, as rules with a path see them.
 *
 * Invariant: a value that is nested too deep, or has too many parts or too much text, is not walked to its end: it is `TooLarge`.
 */

/** What a rule may look at: text and keys together, in characters. */
export const mostChars = 1_000_000;
const mostLeaves = 200_000;
const mostDepth = 100;

export class TooLarge extends Error {}

export interface Leaf {
  readonly value: string | number | boolean | null;
  /** Names of fields, numbers of items; a key of an object is a leaf at its own path. */
  readonly path: readonly string[];
  readonly isKey?: true;
}

/** All values at and below a path; with keys. @throws TooLarge */
export function leavesOf(value: unknown, path: string | undefined): Leaf[] {
  const pattern = path?.split('.') ?? [];
  const leaves: Leaf[] = [];
  let chars = 0;
  const add = (leaf: Leaf): void => {
    chars += typeof leaf.value === 'string' ? leaf.value.length : 8;
    if (chars > mostChars) throw new TooLarge(`it has more than ${mostChars} characters`);
    if (leaves.push(leaf) > mostLeaves) throw new TooLarge(`it has more than ${mostLeaves} parts`);
  };
  const visit = (part: unknown, at: readonly string[]): void => {
    if (at.length > mostDepth) throw new TooLarge(`it is nested over ${mostDepth} deep`);
    if (part === undefined) return;
    const under = at.length >= pattern.length;
    if (typeof part !== 'object' || part === null) {
      if (under) add({ value: part as Leaf['value'], path: at });
      return;
    }
    for (const [key, entry] of Object.entries(part)) {
      const wanted = pattern[at.length];
      if (!under && wanted !== '*' && wanted !== key) continue;
      if (under && !Array.isArray(part)) add({ value: key, path: [...at, key], isKey: true });
      visit(entry, [...at, key]);
    }
  };
  visit(value, []);
  return leaves;
}

/** The parts that stand at a path: lists, objects or leaves. */
export function partsAt(value: unknown, path: string | undefined): unknown[] {
  return (path?.split('.') ?? []).reduce<unknown[]>(
    (parts, name) =>
      parts.flatMap((part) => {
        if (typeof part !== 'object' || part === null) return [];
        if (name === '*') return Object.values(part);
        return Object.hasOwn(part, name) ? [(part as Record<string, unknown>)[name]] : [];
      }),
    [value],
  );
}

/** A copy of the value with some of its leaves changed; of keys that become the same all but the first get a number. */
export function replaceLeaves(value: unknown, changes: ReadonlyMap<string, string>): unknown {
  const visit = (part: unknown, at: readonly string[]): unknown => {
    if (typeof part !== 'object' || part === null) return changes.get(leafKey(at)) ?? part;
    if (Array.isArray(part)) return part.map((entry, index) => visit(entry, [...at, String(index)]));
    const entries = new Map<string, unknown>();
    for (const [key, entry] of Object.entries(part)) {
      const wanted = changes.get(leafKey([...at, key], true)) ?? key;
      let name = wanted;
      for (let number = 2; entries.has(name); number += 1) name = `${wanted} ${number}`;
      entries.set(name, visit(entry, [...at, key]));
    }
    return Object.fromEntries(entries);
  };
  return visit(value, []);
}

export function leafKey(path: readonly string[], isKey = false): string {
  return JSON.stringify([isKey, path]);
}

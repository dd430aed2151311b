/**
 * The structure of JSON against patterns that are JSON themselves; semantics after PEP 634 (structural pattern matching).
 *
 * | pattern                          | matches                                                        |
 * | -------------------------------- | -------------------------------------------------------------- |
 * | text, number, true, false, null  | what equals it                                                 |
 * | `{ a: P, b: Q }`                 | an object with at least these fields                           |
 * | `[P, Q]`                         | a list of this length; a last `{ $rest: 'name' }` takes others |
 * | `{ $bind: 'name' }`              | anything, and names it                                         |
 * | `{ $is: 'number' }`              | string, number, boolean, list, object, or any                  |
 * | `{ $oneOf: [P, Q] }`             | what one of them matches; they name nothing                    |
 *
 * `$bind` stands alone or beside `$is` or `$oneOf`. Only own fields are read.
 */
export type Pattern = unknown;
export type Bindings = Record<string, unknown>;

/** @returns what the pattern has named; undefined when it does not match. @param pattern without faults */
export function matchPattern(pattern: Pattern, value: unknown): Bindings | undefined {
  const bound: Bindings = {};
  return matches(pattern, value, bound) ? bound : undefined;
}

function matches(pattern: Pattern, value: unknown, bound: Bindings): boolean {
  if (typeof pattern !== 'object' || pattern === null) return pattern === value;
  if (Array.isArray(pattern)) return Array.isArray(value) && listMatches(pattern, value, bound);
  if (!isSpecial(pattern)) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
    return Object.entries(pattern).every(
      ([key, part]) => Object.hasOwn(value, key) && matches(part, (value as Bindings)[key], bound),
    );
  }
  const { $bind, $is, $oneOf } = pattern;
  if ($is !== undefined && $is !== 'any' && kindOf(value) !== $is) return false;
  if ($oneOf && !$oneOf.some((part) => matches(part, value, {}))) return false;
  if ($bind !== undefined) bound[$bind] = value;
  return true;
}

function listMatches(pattern: readonly unknown[], value: readonly unknown[], bound: Bindings): boolean {
  const last = pattern.at(-1);
  const rest = isSpecial(last) ? last.$rest : undefined;
  const parts = rest === undefined ? pattern : pattern.slice(0, -1);
  if (rest === undefined ? value.length !== parts.length : value.length < parts.length) return false;
  if (!parts.every((part, index) => matches(part, value[index], bound))) return false;
  if (rest !== undefined) bound[rest] = value.slice(parts.length);
  return true;
}

interface Special {
  $bind?: string;
  $is?: string;
  $oneOf?: readonly unknown[];
  $rest?: string;
}

function isSpecial(pattern: unknown): pattern is Special {
  return typeof pattern === 'object' && pattern !== null && Object.keys(pattern).some((key) => key.startsWith('$'));
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'list' : typeof value;
}

const kinds = ['string', 'number', 'boolean', 'list', 'object', 'any'];
const deepest = 40;

/** What is wrong with a pattern, each fault with its place in it. */
export function patternFaults(pattern: Pattern, at: string): string[] {
  return faultsIn(pattern, at, { names: new Set(), binds: true, depth: 0, last: false });
}

interface Place {
  names: Set<string>;
  /** Whether it may name what it matches. */
  binds: boolean;
  depth: number;
  /** Of a list. */
  last: boolean;
}

function faultsIn(pattern: Pattern, at: string, place: Place): string[] {
  const { names, binds, depth, last } = place;
  if (depth > deepest) return [`${at}: the pattern is over ${deepest} deep`];
  if (typeof pattern !== 'object' || pattern === null) return [];
  const inside = { names, binds, depth: depth + 1 };
  if (Array.isArray(pattern)) {
    return pattern.flatMap((part, index) =>
      faultsIn(part, `${at}[${index}]`, { ...inside, last: index === pattern.length - 1 }),
    );
  }
  if (!isSpecial(pattern)) {
    return Object.entries(pattern).flatMap(([key, part]) => faultsIn(part, `${at}.${key}`, { ...inside, last: false }));
  }
  const { $bind, $is, $oneOf, $rest, ...others } = pattern;
  const named = [$bind, $rest].filter((name) => name !== undefined);
  const repeated = named.filter((name) => names.has(name));
  named.forEach((name) => names.add(name));
  return [
    ...Object.keys(others).map((key) => `${at}.${key}: stands beside $bind, $is, $oneOf or $rest, or is none of them`),
    ...named
      .filter((name) => typeof name !== 'string' || !/^[A-Za-z_]\w*$/.test(name))
      .map((name) => `${at}: ${JSON.stringify(name)} is no name of letters, digits and _`),
    ...(named.length > 0 && !binds
      ? [`${at}: nothing in $oneOf may name what it matches; $bind stands beside it`]
      : []),
    ...repeated.map((name) => `${at}: ${name} is named twice`),
    ...($is === undefined || kinds.includes($is) ? [] : [`${at}.$is: ${String($is)} is none of ${kinds.join(', ')}`]),
    ...($rest !== undefined && (!last || Object.keys(pattern).length > 1)
      ? [`${at}.$rest: stands alone, as the last of a list`]
      : []),
    ...($oneOf === undefined || (Array.isArray($oneOf) && $oneOf.length > 0)
      ? []
      : [`${at}.$oneOf: is no list of patterns`]),
    ...(Array.isArray($oneOf)
      ? $oneOf.flatMap((part, index) =>
          faultsIn(part, `${at}.$oneOf[${index}]`, { ...inside, binds: false, last: false }),
        )
      : []),
  ];
}

/**
 * The columns of a statement from the lines above it, by counting: the text has no positions, only an order.
 *
 * Invariants:
 * 1. Columns come out in the order of the row's values, or not at all: a header that cannot be counted out gives null.
 * 2. A duration (`Three Months Ended`) covers neighbouring columns, and no two of those end on the same day.
 */
import type { PeriodDate, PeriodToken } from '../text/readPeriods.js';

export interface Column {
  readonly kind: 'value' | 'change';
  /** Of a change: in per cent, or an amount. */
  readonly percent: boolean;
  /** Length of the period: 3 for a quarter; null when the header does not say. */
  readonly months: number | null;
  readonly end: PeriodDate | null;
}

/** The period tokens of one header line, in order. */
export type HeaderLine = readonly PeriodToken[];

interface Leaf {
  readonly kind: 'value' | 'change';
  readonly percent: boolean;
  readonly end: PeriodDate | null;
  /** Set when the leaf names its own period: `Q3 2024`. */
  readonly months: number | null;
}

type DateToken = Extract<PeriodToken, { kind: 'date' | 'quarter' }>;

const isDated = (token: PeriodToken): token is DateToken =>
  token.kind === 'quarter' || (token.kind === 'date' && (token.year !== null || token.month !== null));

export function readHeader(lines: readonly HeaderLine[]): Column[] | null {
  const leafAt = findLeafLine(lines);
  if (leafAt < 0) return null;
  const leaves = completeDates(lines, leafAt, readLeaves(lines, leafAt));
  const groups = findDurations(lines, leafAt);
  const withChanges = appendGroupChanges(lines, leafAt, leaves, groups.length);
  return assignDurations(withChanges, groups);
}

/** The line with most years or dates; the lowest one when several have as many. */
function findLeafLine(lines: readonly HeaderLine[]): number {
  const withYear = (line: HeaderLine): number =>
    line.filter((token) => isDated(token) && (token.year !== null || token.kind === 'quarter')).length;
  let best = -1;
  lines.forEach((line, at) => {
    const size = withYear(line);
    if (size > 0 && (best < 0 || size >= withYear(lines[best] ?? []))) best = at;
  });
  return best;
}

function readLeaves(lines: readonly HeaderLine[], leafAt: number): Leaf[] {
  return (lines[leafAt] ?? [])
    .filter((token) => isDated(token) || token.kind === 'change')
    .map((token): Leaf => {
      if (token.kind === 'change') return { kind: 'change', percent: token.percent, end: null, months: null };
      if (token.kind === 'quarter') {
        return {
          kind: 'value',
          percent: false,
          months: 3,
          end: { year: token.year, month: token.quarter * 3, day: null },
        };
      }
      const { year, month, day } = token;
      return { kind: 'value', percent: false, months: null, end: { year, month, day } };
    });
}

/** Years under `March 31,` take month and day from the line above, column by column or group by group. */
function completeDates(lines: readonly HeaderLine[], leafAt: number, leaves: readonly Leaf[]): Leaf[] {
  const needs = leaves.filter((leaf) => leaf.kind === 'value' && leaf.months === null && leaf.end?.month === null);
  if (needs.length === 0) return [...leaves];
  const monthsOn = (at: number): Extract<PeriodToken, { kind: 'date' }>[] =>
    (lines[at] ?? []).filter((token) => token.kind === 'date').filter((token) => token.month !== null);
  for (let at = leafAt; at >= 0; at -= 1) {
    const days = monthsOn(at);
    if (days.length === 0 || needs.length % days.length !== 0) continue;
    const span = needs.length / days.length;
    let seen = 0;
    return leaves.map((leaf) => {
      if (!needs.includes(leaf)) return leaf;
      const day = days[Math.floor(seen++ / span)];
      return { ...leaf, end: { year: leaf.end?.year ?? null, month: day?.month ?? null, day: day?.day ?? null } };
    });
  }
  return [...leaves];
}

/** The durations nearest to the dates: on their line, or on the closest line that has any. */
function findDurations(lines: readonly HeaderLine[], leafAt: number): number[] {
  const order = [leafAt, ...range(leafAt - 1, -1), ...range(leafAt + 1, lines.length)];
  for (const at of order) {
    const months = (lines[at] ?? []).flatMap((token) => (token.kind === 'duration' ? [token.months] : []));
    if (months.length > 0) return months;
  }
  return [];
}

/** `Three Months Ended | % Change | Six Months Ended | % Change` over bare years: each group ends with its change. */
function appendGroupChanges(lines: readonly HeaderLine[], leafAt: number, leaves: Leaf[], groups: number): Leaf[] {
  if (leaves.some((leaf) => leaf.kind === 'change')) return leaves;
  const changeLine = lines.find((line, at) => at !== leafAt && line.some((token) => token.kind === 'change'));
  const changes = changeLine?.flatMap((token) => (token.kind === 'change' ? [token] : [])) ?? [];
  const parts = Math.max(1, groups);
  if (changes.length === 0 || changes.length % parts !== 0 || leaves.length % parts !== 0) return leaves;
  const [perGroup, span] = [changes.length / parts, leaves.length / parts];
  return Array.from({ length: parts }, (_, group) => [
    ...leaves.slice(group * span, (group + 1) * span),
    ...changes
      .slice(group * perGroup, (group + 1) * perGroup)
      .map((token): Leaf => ({ kind: 'change', percent: token.percent, end: null, months: null })),
  ]).flat();
}

function assignDurations(leaves: readonly Leaf[], groups: readonly number[]): Column[] | null {
  const values = leaves.filter((leaf) => leaf.kind === 'value');
  if (values.length === 0) return null;
  const sizes = groups.length > 1 ? partition(values, groups) : [values.length];
  if (sizes === null) return null;
  const months = sizes.flatMap((size, group) => Array.from({ length: size }, () => groups[group] ?? null));
  let seen = -1;
  return leaves.map((leaf) => {
    if (leaf.kind === 'value') seen += 1;
    return { ...leaf, months: leaf.months ?? months[Math.max(0, seen)] ?? null };
  });
}

/** How many columns each duration covers: no group ends twice on the same day, and even groups are likelier. */
function partition(values: readonly Leaf[], groups: readonly number[]): number[] | null {
  const count = groups.length;
  if (count > values.length || count > 6 || values.length > 16) return null;
  if (count === values.length) return groups.map(() => 1);
  const key = (leaf: Leaf): string => `${leaf.end?.year}-${leaf.end?.month}`;
  const isDistinct = (from: number, size: number): boolean =>
    new Set(values.slice(from, from + size).map(key)).size === size;
  let best: { sizes: number[]; score: number } | null = null;
  const visit = (group: number, from: number, sizes: number[]): void => {
    if (group === count) {
      if (from !== values.length) return;
      const score = rate(sizes);
      if (!best || score > best.score) best = { sizes: [...sizes], score };
      return;
    }
    for (let size = 1; size <= values.length - from - (count - group - 1); size += 1) {
      if (!isDistinct(from, size)) break;
      visit(group + 1, from + size, [...sizes, size]);
    }
  };
  visit(0, 0, []);
  return (best as { sizes: number[] } | null)?.sizes ?? null;

  /** Groups of this year's reports begin with the report's own date; years close in another month than quarters. */
  function rate(sizes: readonly number[]): number {
    let from = 0;
    let score = new Set(sizes).size === 1 ? 0.9 : 0;
    sizes.forEach((size, group) => {
      const first = values[from];
      if (first && groups[group] !== 12 && values[0] && key(first) === key(values[0])) score += 2;
      if (groups[group] === 12 && first && values[0] && key(first) !== key(values[0])) score += 1;
      if (groups[group] === 3) score += size * 0.1;
      from += size;
    });
    return score;
  }
}

function range(from: number, to: number): number[] {
  const step = from > to ? -1 : 1;
  return Array.from({ length: Math.max(0, Math.abs(to - from)) }, (_, at) => from + at * step);
}

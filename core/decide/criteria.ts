/**
 * Alternatives measured by several criteria: what `weightedSum` and `topsis` have in common.
 *
 * Invariants:
 * 1. Weights count relative to each other: all times ten is the same.
 * 2. Scores that differ by less than a millionth of a millionth of the largest are equal; of equal alternatives the one given first
 *    is decided, and `tied` names them all.
 */
import { type Decided, type NoDecision, told } from './decision.js';

export interface Criterion {
  /** 0 or more, relative to the others'. */
  weight: number;
  /** Whether more of it is better, or less. Default `max`. */
  goal?: 'max' | 'min' | undefined;
}

export type Criteria = Readonly<Record<string, Criterion>>;
/** Name of an alternative → criterion → its value; values that are no criterion are not looked at. */
export type Alternatives = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

export interface CriterionScore {
  value: number;
  /** On the scale of the method, before weights. */
  scaled: number;
  /** What it adds to a weighted sum; for TOPSIS, its place on the weighted axis. */
  weighted: number;
}

export interface RankedAlternative {
  name: string;
  score: number;
  criteria: Record<string, CriterionScore>;
}

export interface CriteriaExplanation<Method extends string = string> {
  method: Method;
  text: string;
  /** As they counted: together 1. */
  weights: Record<string, number>;
  /** The best first. */
  ranking: RankedAlternative[];
  /** Alternatives whose score equals the best one's; empty when it stands alone. */
  tied: string[];
}

/** A matrix of checked numbers: a row an alternative, a column a criterion. */
export interface Measured {
  names: string[];
  columns: { name: string; weight: number; goal: 'max' | 'min'; values: number[] }[];
}

export const mostAlternatives = 1_000;
export const mostCriteria = 100;

export function measure(criteria: Criteria, alternatives: Alternatives): Measured | NoDecision {
  const invalid = criteriaFaults(criteria);
  if (invalid.length > 0) return { invalid };
  if (typeof alternatives !== 'object' || alternatives === null || Array.isArray(alternatives))
    return { impossible: `alternatives: ${told(alternatives)} is no record of alternatives by name` };
  const names = Object.keys(alternatives);
  if (names.length === 0 || names.length > mostAlternatives)
    return { impossible: `alternatives: there are ${names.length}, of 1 to ${mostAlternatives}` };
  const missing: string[] = [];
  const sum = Object.values(criteria).reduce((total, { weight }) => total + weight, 0);
  const columns = Object.entries(criteria).map(([name, { weight, goal = 'max' }]) => {
    const values = names.map((alternative) => {
      const row: unknown = alternatives[alternative];
      const value = typeof row === 'object' && row !== null ? (row as Record<string, unknown>)[name] : undefined;
      if (typeof value === 'number' && Number.isFinite(value)) return value;
      missing.push(
        `alternatives.${alternative}.${name}: ${value === undefined ? 'is missing' : `${told(value)} is no number`}`,
      );
      return 0;
    });
    return { name, weight: weight / sum, goal, values };
  });
  return missing.length > 0 ? { impossible: missing.slice(0, 20).join('; ') } : { names, columns };
}

export function criteriaFaults(criteria: Criteria): string[] {
  const entries = Object.entries(criteria);
  if (entries.length === 0 || entries.length > mostCriteria)
    return [`criteria: there are ${entries.length}, of 1 to ${mostCriteria}`];
  const faults = entries.flatMap(([name, { weight, goal = 'max' }]) => [
    ...(Number.isFinite(weight) && weight >= 0 ? [] : [`criteria.${name}.weight: ${weight} is no number from 0`]),
    ...(['max', 'min'].includes(goal) ? [] : [`criteria.${name}.goal: ${told(goal)} is neither max nor min`]),
  ]);
  const sum = entries.reduce((total, [, { weight }]) => total + weight, 0);
  if (faults.length === 0 && !(sum > 0 && Number.isFinite(sum))) faults.push('criteria: no weight is over 0');
  return faults;
}

/** @param scaled row by row: criterion → its score @param scores row by row */
export function rank<Method extends string>(
  method: Method,
  { names, columns }: Measured,
  scaled: readonly Record<string, CriterionScore>[],
  scores: readonly number[],
): Decided<string, CriteriaExplanation<Method>> {
  const unit = Math.max(...scores.map(Math.abs)) * 1e-12;
  const steps = scores.map((score) => (unit === 0 ? 0 : Math.round(score / unit)));
  const order = names.map((_, index) => index).sort((one, other) => steps[other]! - steps[one]!);
  const best = order[0]!;
  const equal = order.filter((index) => steps[index] === steps[best]).map((index) => names[index]!);
  const ranking = order.map((index) => ({ name: names[index]!, score: scores[index]!, criteria: scaled[index]! }));
  const [first, second] = ranking;
  const next = second ? `, before ${second.name} with ${short(second.score)}` : '';
  const tie = equal.length > 1 ? `; equal: ${told(equal.join(', '))}, of which the first given stands` : '';
  return {
    decision: first!.name,
    explanation: {
      method,
      text: `${first!.name}: ${short(first!.score)}${next}${tie}`,
      weights: Object.fromEntries(columns.map(({ name, weight }) => [name, weight])),
      ranking,
      tied: equal.length > 1 ? equal : [],
    },
  };
}

function short(score: number): string {
  return String(Number(score.toPrecision(3)));
}

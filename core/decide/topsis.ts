/**
 * TOPSIS, the technique for order preference by similarity to ideal solution (Hwang & Yoon, Multiple Attribute Decision Making,
 * 1981): nearest to the best of all criteria together, and farthest from the worst.
 *
 * 1. r = x / √Σx², criterion by criterion; v = w · r.
 * 2. Ideal: of each criterion the best v there is; anti-ideal: the worst.
 * 3. Score: D⁻ / (D⁺ + D⁻), D⁺ and D⁻ the Euclidean distances from ideal and anti-ideal. From 0 to 1; where both are 0, as all
 *    alternatives are alike, 1.
 */
import {
  type Alternatives,
  type Criteria,
  type CriteriaExplanation,
  type CriterionScore,
  measure,
  rank,
} from './criteria.js';
import type { Decided, NoDecision } from './decision.js';

export interface Topsis {
  criteria: Criteria;
  alternatives: Alternatives;
}

export function topsis({
  criteria,
  alternatives,
}: Topsis): Decided<string, CriteriaExplanation<'topsis'>> | NoDecision {
  const measured = measure(criteria, alternatives);
  if (!('columns' in measured)) return measured;
  const axes = measured.columns.map(({ name, weight, goal, values }) => {
    const length = Math.hypot(...values);
    const scaled = values.map((value) => (length === 0 ? 0 : value / length));
    const weighted = scaled.map((value) => value * weight);
    const [least, most] = [Math.min(...weighted), Math.max(...weighted)];
    const [ideal, worst] = goal === 'max' ? [most, least] : [least, most];
    return { name, values, scaled, weighted, ideal, worst };
  });
  const scores = measured.names.map((_, row) => {
    const toIdeal = Math.hypot(...axes.map(({ weighted, ideal }) => weighted[row]! - ideal));
    const toWorst = Math.hypot(...axes.map(({ weighted, worst }) => weighted[row]! - worst));
    return toIdeal + toWorst === 0 ? 1 : toWorst / (toIdeal + toWorst);
  });
  const rows = measured.names.map((_, row): Record<string, CriterionScore> =>
    Object.fromEntries(
      axes.map(({ name, values, scaled, weighted }) => [
        name,
        { value: values[row]!, scaled: scaled[row]!, weighted: weighted[row]! },
      ]),
    ),
  );
  return rank('topsis', measured, rows, scores);
}

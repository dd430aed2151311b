/**
 * The weighted sum (simple additive weighting; Fishburn 1967): each criterion on a common scale, times its weight.
 *
 * | scale   | higher is better    | lower is better     |                                                                   |
 * | ------- | ------------------- | ------------------- | ----------------------------------------------------------------- |
 * | `range` | (x − min)/(max − min) | (max − x)/(max − min) | from 0, the worst there is, to 1; all equal: 1                |
 * | `max`   | x / max             | min / x             | ratios, as Hwang & Yoon 1981; all values over 0                   |
 * | `none`  | x                   | −x                  | only for values that are all in one unit                          |
 */
import {
  type Alternatives,
  type Criteria,
  type CriteriaExplanation,
  type CriterionScore,
  measure,
  type Measured,
  rank,
} from './criteria.js';
import { type Decided, type NoDecision, told } from './decision.js';

export const sumScales = ['range', 'max', 'none'] as const;
export type SumScale = (typeof sumScales)[number];

export interface WeightedSum {
  criteria: Criteria;
  alternatives: Alternatives;
  /** Default `range`. */
  scale?: SumScale | undefined;
}

export function weightedSum({
  criteria,
  alternatives,
  scale = 'range',
}: WeightedSum): Decided<string, CriteriaExplanation<'weightedSum'>> | NoDecision {
  if (!sumScales.includes(scale)) return { invalid: [`scale: ${told(scale)} is none of ${sumScales.join(', ')}`] };
  const measured = measure(criteria, alternatives);
  if (!('columns' in measured)) return measured;
  const { names, columns } = measured;
  const low = scale === 'max' ? columns.find(({ values }) => Math.min(...values) <= 0) : undefined;
  if (low) return { impossible: `scale: max needs values over 0, and ${low.name} has ${Math.min(...low.values)}` };
  const onScale = columns.map((column) => scaled(column, scale));
  const rows = names.map((_, row): Record<string, CriterionScore> =>
    Object.fromEntries(
      columns.map(({ name, weight, values }, index) => {
        const score = onScale[index]![row]!;
        return [name, { value: values[row]!, scaled: score, weighted: score * weight }];
      }),
    ),
  );
  const scores = rows.map((row) => Object.values(row).reduce((sum, { weighted }) => sum + weighted, 0));
  return rank('weightedSum', measured, rows, scores);
}

function scaled({ goal, values }: Measured['columns'][number], scale: SumScale): number[] {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  if (scale === 'none') return values.map((value) => (goal === 'max' ? value : -value));
  if (scale === 'max') return values.map((value) => (goal === 'max' ? value / most : least / value));
  if (least === most) return values.map(() => 1);
  return values.map((value) => (goal === 'max' ? value - least : most - value) / (most - least));
}

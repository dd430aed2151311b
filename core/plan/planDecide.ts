/** A decision of a plan: exactly one of its keys. Gives `{ decision, explanation }`. */
import type { VotingRule } from '../decide/countVotes.js';
import type { Criteria } from '../decide/criteria.js';
import type { DecisionTable } from '../decide/decisionTable.js';
import type { SumScale } from '../decide/weightedSum.js';

/** @typeParam Action an action of the plan */
export interface PlanDecide<Action = unknown> {
  /** Conditions see what the action may refer to. */
  table?: DecisionTable | undefined;
  weightedSum?: (PlanCriteria & { scale?: SumScale | undefined }) | undefined;
  topsis?: PlanCriteria | undefined;
  ensemble?: PlanEnsemble<Action> | undefined;
}

interface PlanCriteria {
  criteria: Criteria;
  /** Name → criterion → number: JSON with references. */
  alternatives: unknown;
}

/** As `decide.ensemble`. */
interface PlanEnsemble<Action> {
  /** Each gives `{ vote, confidence?, reason? }`. */
  voters: Record<string, Action>;
  options: string[];
  rule?: VotingRule | undefined;
  weights?: Record<string, number> | undefined;
  temperatures?: Record<string, number> | undefined;
  minConfidence?: number | undefined;
  /** Votes that have to come. Default: all. */
  quorum?: number | undefined;
  timeout?: number | string | undefined;
}

export const decideMethods = [
  'table',
  'weightedSum',
  'topsis',
  'ensemble',
] as const satisfies readonly (keyof PlanDecide)[];

/** The method of a decision that refers to alternatives. */
export function criteriaOf({ weightedSum, topsis }: PlanDecide): { method: string; options: PlanCriteria } | undefined {
  if (weightedSum) return { method: 'weightedSum', options: weightedSum };
  return topsis && { method: 'topsis', options: topsis };
}

/**
 * The methods of `decide`. All but `ensemble` reckon in place: they wait for nothing and leave nothing in the history, and a replay
 * reckons the same again.
 */
import type { CriteriaExplanation, Criterion } from '../../core/decide/criteria.js';
import { type Decided, type NoDecision } from '../../core/decide/decision.js';
import { type CasesExplanation, decideByMatch, type DecisionCase } from '../../core/decide/decisionCases.js';
import { decideByTable, type DecisionTable, type TableExplanation } from '../../core/decide/decisionTable.js';
import { decideByTree, type DecisionTree, type TreeExplanation } from '../../core/decide/decisionTree.js';
import { topsis as byTopsis } from '../../core/decide/topsis.js';
import { weightedSum as byWeightedSum, type SumScale } from '../../core/decide/weightedSum.js';
import { fail } from '../failure.js';
import { ensemble } from './ensemble.js';

/** What alternatives are measured by, and their values: an alternative may have more than the criteria ask for. */
export interface CriteriaOptions<Alternative extends string, Name extends string> {
  criteria: Readonly<Record<Name, Criterion>>;
  alternatives: Readonly<Record<Alternative, Readonly<Record<NoInfer<Name>, number>>>>;
}

type AllTable<Output> = DecisionTable<Output> & { hit: 'all' };
type DefaultTable<Output> = DecisionTable<Output> & { hit?: 'first' | 'unique' | 'priority'; otherwise: Output };
type OneTable<Output> = DecisionTable<Output> & { hit?: 'first' | 'unique' | 'priority' };

function table<const Output>(input: unknown, rules: AllTable<Output>): Decided<Output[], TableExplanation<Output>>;
function table<const Output>(input: unknown, rules: DefaultTable<Output>): Decided<Output, TableExplanation<Output>>;
function table<const Output>(input: unknown, rules: OneTable<Output>): Decided<Output | null, TableExplanation<Output>>;
function table(input: unknown, rules: DecisionTable): Decided<unknown, TableExplanation<unknown>> {
  return decided('table', decideByTable(rules, { input }));
}

function tree<const Output>(input: unknown, root: DecisionTree<Output>): Decided<Output, TreeExplanation> {
  return decided('tree', decideByTree(root, { input }));
}

function match<const Output>(
  input: unknown,
  cases: readonly DecisionCase<Output>[],
): Decided<Output | null, CasesExplanation> {
  return decided('match', decideByMatch(cases, input));
}

function weightedSum<Alternative extends string, Name extends string>(
  options: CriteriaOptions<Alternative, Name> & { scale?: SumScale },
): Decided<Alternative, CriteriaExplanation<'weightedSum'>> {
  return decided('weightedSum', byWeightedSum(options)) as Decided<Alternative, CriteriaExplanation<'weightedSum'>>;
}

function topsis<Alternative extends string, Name extends string>(
  options: CriteriaOptions<Alternative, Name>,
): Decided<Alternative, CriteriaExplanation<'topsis'>> {
  return decided('topsis', byTopsis(options)) as Decided<Alternative, CriteriaExplanation<'topsis'>>;
}

/** @throws ApplicationFailure `Pattern.InvalidSteps` for the method itself, `Decision.Impossible` for what it was asked about */
export function decided<Result extends Decided<unknown, unknown>>(
  method: string,
  outcome: Result | NoDecision,
): Result {
  if ('invalid' in outcome) throw fail('Pattern.InvalidSteps', `decide.${method}:\n${outcome.invalid.join('\n')}`);
  if ('impossible' in outcome) throw fail('Decision.Impossible', `decide.${method}: ${outcome.impossible}`);
  return outcome;
}

/**
 * Decisions that explain themselves: `const { decision, explanation } = decide.table(ticket, { rules: [{ when: 'input.vip', decide: 'urgent' }] })`.
 *
 * `table`: rules, and a hit policy; `tree`: questions down to a leaf; `match`: cases by the structure of what comes in; `weightedSum`
 * and `topsis`: the best of several alternatives by several criteria; `ensemble`: votes of agents.
 *
 * @throws ApplicationFailure `Decision.Impossible`; `Pattern.InvalidSteps`; `ensemble` also what its voters throw
 */
export const decide = { table, tree, match, weightedSum, topsis, ensemble } as const;

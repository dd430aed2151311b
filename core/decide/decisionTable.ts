/**
 * Decision tables after OMG's Decision Model and Notation (DMN 1.3, 8.2.10): rules, and a hit policy for when several match.
 *
 * Invariants:
 * 1. `first` (F) takes the first rule that matches, `unique` (U) the only one, `priority` (P) the output that stands first in
 *    `priorities`, and of equal outputs the first rule's; `all` is RULE ORDER (R): the outputs of all, in the order of the rules.
 * 2. A rule that cannot be evaluated decides nothing, not even that another may decide: there is no decision.
 * 3. No rule that matches: `otherwise`; without it null, and of `all` the empty list.
 */
import { canonicalJson } from '../canonicalJson.js';
import { compileConditions } from './conditions.js';
import { type Decided, type NoDecision, told } from './decision.js';

export type HitPolicy = 'first' | 'unique' | 'priority' | 'all';

export interface DecisionRule<Output = unknown> {
  /** CEL that gives true or false: `input.amount > 1000 && input.age >= 18`. */
  when: string;
  /** JSON. */
  decide: Output;
  /** For the explanation. */
  name?: string | undefined;
}

export interface DecisionTable<Output = unknown> {
  /** Default `first`. */
  hit?: HitPolicy | undefined;
  rules: readonly DecisionRule<Output>[];
  /** With `priority`: every output there may be, the most important first. */
  priorities?: readonly Output[] | undefined;
  /** Decided when no rule matches. */
  otherwise?: Output | undefined;
}

export interface MatchedRule<Output> extends DecisionRule<Output> {
  /** Its place in `rules`, from 0. */
  rule: number;
}

export interface TableExplanation<Output> {
  method: 'table';
  text: string;
  hit: HitPolicy;
  /** With `first`, that one alone: the rules after it were not asked. */
  matched: MatchedRule<Output>[];
  /** The rule whose output it is; null when none matched, and with `all`. */
  decidedBy: number | null;
}

export const mostTableRules = 200;

/** @param variables what conditions see */
export function decideByTable<Output>(
  table: DecisionTable<Output>,
  variables: Readonly<Record<string, unknown>>,
): Decided<Output | Output[] | null, TableExplanation<Output>> | NoDecision {
  const { hit = 'first', rules, priorities = [], otherwise } = table;
  const faults = tableFaults(table);
  if (faults.length > 0) return { invalid: faults };
  const whens = rules.map(({ when }, index) => ({ at: `rules[${index}]`, when }));
  const conditions = compileConditions(rules, whens, Object.keys(variables));
  if (conditions.faults.length > 0) return { invalid: [...conditions.faults] };

  const matched: MatchedRule<Output>[] = [];
  for (const [rule, condition] of conditions.compiled.entries()) {
    const outcome = condition.evaluate(variables);
    if ('fault' in outcome) return { impossible: `rules[${rule}] (${rules[rule]!.when}): ${outcome.fault}` };
    if (outcome.value !== true) continue;
    matched.push({ rule, ...rules[rule]! });
    if (hit === 'first') break;
  }
  if (hit === 'unique' && matched.length > 1) {
    return { impossible: `${matched.map(nameOf).join(' and ')} match, and hit is unique: only one may` };
  }
  const explanation = { method: 'table', hit, matched } as const;
  if (hit === 'all') {
    const text = matched.length === 0 ? 'no rule matches' : `all that match: ${matched.map(nameOf).join(', ')}`;
    return { decision: matched.map(({ decide }) => decide), explanation: { ...explanation, text, decidedBy: null } };
  }
  const ranks = new Map(priorities.map((output, rank) => [canonicalJson(output), rank]));
  const rankOf = ({ decide }: MatchedRule<Output>): number => ranks.get(canonicalJson(decide)) ?? 0;
  const [chosen] = hit === 'priority' ? [...matched].sort((one, other) => rankOf(one) - rankOf(other)) : matched;
  if (!chosen) {
    const text = otherwise === undefined ? 'no rule matches' : `no rule matches; otherwise ${told(otherwise)}`;
    return { decision: otherwise ?? null, explanation: { ...explanation, text, decidedBy: null } };
  }
  const why = hit === 'priority' && matched.length > 1 ? `, first in priority of ${matched.length} that match` : '';
  const text = `${told(chosen.decide)}: ${nameOf(chosen)}${why}: ${chosen.when}`;
  return { decision: chosen.decide, explanation: { ...explanation, text, decidedBy: chosen.rule } };
}

function nameOf({ rule, name }: MatchedRule<unknown>): string {
  return name === undefined ? `rules[${rule}]` : `rules[${rule}] (${name})`;
}

/** What is wrong with a table beside its conditions. */
export function tableFaults({ hit = 'first', rules, priorities, otherwise }: DecisionTable): string[] {
  const listed = new Set((priorities ?? []).map(canonicalJson));
  return [
    ...(rules.length > 0 && rules.length <= mostTableRules
      ? []
      : [`rules: there are ${rules.length}, of 1 to ${mostTableRules}`]),
    ...(['first', 'unique', 'priority', 'all'].includes(hit)
      ? []
      : [`hit: ${told(hit)} is none of first, unique, priority, all`]),
    ...((hit === 'priority') === (priorities !== undefined)
      ? []
      : [`priorities: ${priorities ? 'only with' : 'are needed for'} hit: priority`]),
    ...(priorities && listed.size < priorities.length ? ['priorities: one is there twice'] : []),
    ...(hit === 'priority' && priorities
      ? rules.flatMap(({ decide }, index) =>
          listed.has(canonicalJson(decide)) ? [] : [`rules[${index}].decide: ${told(decide)} is not in priorities`],
        )
      : []),
    ...(hit === 'all' && otherwise !== undefined
      ? ['otherwise: not with hit: all, which gives an empty list then']
      : []),
  ];
}

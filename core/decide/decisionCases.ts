/**
 * Cases by the structure of what comes in: the first whose pattern matches, and whose condition is true, decides.
 *
 * Invariant: a condition that cannot be evaluated ends it without a decision.
 */
import type { CompiledCel } from '../cel.js';
import { compileConditions } from './conditions.js';
import { type Decided, type NoDecision, told } from './decision.js';
import { type Bindings, matchPattern, type Pattern, patternFaults } from './matchPattern.js';

export interface DecisionCase<Output = unknown> {
  match: Pattern;
  /** CEL over `input` and `bound`, what the pattern has named. */
  where?: string | undefined;
  /** JSON. */
  decide: Output;
}

export interface CasesExplanation {
  method: 'match';
  text: string;
  /** Its place in the cases, from 0; null when none matched. */
  case: number | null;
  /** What its pattern has named. */
  bound: Bindings;
}

export const mostCases = 200;

/** @returns null when no case matches */
export function decideByMatch<Output>(
  cases: readonly DecisionCase<Output>[],
  input: unknown,
): Decided<Output | null, CasesExplanation> | NoDecision {
  const { conditions, faults } = checkCases(cases);
  if (faults.length > 0) return { invalid: faults };
  for (const [index, { match, where, decide }] of cases.entries()) {
    const bound = matchPattern(match, input);
    if (!bound) continue;
    const outcome = conditions.get(index)?.evaluate({ input, bound }) ?? { value: true };
    if ('fault' in outcome) return { impossible: `cases[${index}] (${where}): ${outcome.fault}` };
    if (outcome.value !== true) continue;
    const named = Object.entries(bound).map(([name, value]) => `${name} = ${told(value)}`);
    const text = [`${told(decide)}: cases[${index}]`, ...(named.length > 0 ? [named.join(', ')] : [])].join(': ');
    return { decision: decide, explanation: { method: 'match', text, case: index, bound } };
  }
  return { decision: null, explanation: { method: 'match', text: 'no case matches', case: null, bound: {} } };
}

interface Checked {
  conditions: Map<number, CompiledCel>;
  faults: string[];
}

function checkCases(cases: readonly DecisionCase[]): Checked {
  if (cases.length === 0 || cases.length > mostCases)
    return { conditions: new Map(), faults: [`cases: there are ${cases.length}, of 1 to ${mostCases}`] };
  const wheres = cases.flatMap(({ where }, index) =>
    where === undefined ? [] : [{ at: `cases[${index}].where`, when: where, index }],
  );
  const { compiled, faults } = compileConditions(cases, wheres, ['input', 'bound']);
  return {
    conditions: new Map(compiled.map((condition, position) => [wheres[position]!.index, condition])),
    faults: [...cases.flatMap(({ match }, index) => patternFaults(match, `cases[${index}].match`)), ...faults],
  };
}

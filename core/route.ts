/**
 * Which way an input goes: rules in their order, then a classifier's word, and the fallback when neither is sure.
 *
 * Invariant: a rule that cannot be evaluated decides nothing, not even that the next one may decide: the input is unclear.
 */
import { compileCel, type CompiledCel } from './cel.js';

export interface RouteRule<Name extends string = string> {
  /** A CEL expression over `input` that gives true or false: `input.priority == "high"`. */
  when: string;
  /** The route taken when it is true. */
  to: Name;
}

/** What a classifier says of an input. */
export interface Classification {
  /** The name of a route; any other sends the input to the fallback. */
  label: string;
  /** From 0, a guess, to 1, certain. */
  confidence: number;
}

export type RouteChoice = { route: string; reason: string } | { unclear: string };

export type CompiledRule = RouteRule & { compiled: CompiledCel };

export const fallbackRoute = 'fallback';
export const reservedRoutes: readonly string[] = [fallbackRoute, 'classify'];
export const mostRules = 200;

export interface RouteSettings {
  rules: readonly RouteRule[];
  routes: readonly string[];
  minConfidence: number;
  /** What rules see. Default: `input`. */
  variables?: readonly string[];
}

/** The rules ready to be asked, or everything that is wrong with them and with the names. */
export function compileRoutes({ rules, routes, minConfidence, variables = ['input'] }: RouteSettings): {
  rules: CompiledRule[];
  faults: string[];
} {
  const compiled: CompiledRule[] = [];
  const faults = [
    ...(routes.length === 0 ? ['there is no route'] : []),
    ...routes
      .filter((name) => name === '' || reservedRoutes.includes(name))
      .map((name) => `"${name}" is no name for a route`),
    ...(minConfidence >= 0 && minConfidence <= 1 ? [] : [`minConfidence: ${minConfidence} is not between 0 and 1`]),
    ...(rules.length > mostRules ? [`there are ${rules.length} rules, of at most ${mostRules}`] : []),
  ];
  rules.slice(0, mostRules).forEach((rule, index) => {
    const place = `rules[${index}]`;
    if (!routes.includes(rule.to)) faults.push(`${place}: ${rule.to} is no route; there are: ${routes.join(', ')}`);
    const cel = compileCel(rule.when, { variables, result: 'bool' });
    if ('faults' in cel) faults.push(...cel.faults.map((fault) => `${place}: ${fault}`));
    else compiled.push({ ...rule, compiled: cel });
  });
  return { rules: compiled, faults };
}

/** @returns undefined when no rule is true */
export function chooseByRule(
  rules: readonly CompiledRule[],
  variables: Readonly<Record<string, unknown>>,
): RouteChoice | undefined {
  for (const { when, to, compiled } of rules) {
    const outcome = compiled.evaluate(variables);
    if ('fault' in outcome) return { unclear: `the rule ${when} cannot be evaluated: ${outcome.fault}` };
    if (outcome.value === true) return { route: to, reason: `rule: ${when}` };
  }
  return undefined;
}

export function chooseByLabel(
  routes: readonly string[],
  { label, confidence }: Classification,
  minConfidence: number,
): RouteChoice {
  if (!routes.includes(label)) return { unclear: `the classifier said ${JSON.stringify(label)}, which is no route` };
  // Also for what is no number at all.
  if (!(confidence >= minConfidence)) {
    return { unclear: `the classifier said ${label} with a confidence of ${confidence}, under ${minConfidence}` };
  }
  return { route: label, reason: `classifier: ${label}` };
}

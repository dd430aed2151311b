/**
 * Values of a plan: what references lead to, and how large it may be.
 *
 * Invariant: what a run puts together by references is bounded, each value and all of them; otherwise a few steps, each of
 * which says the one before it twice, would be more than a worker can hold.
 */
import { patched } from '@temporalio/workflow';
import { planLimits } from '../../core/plan/plan.js';
import { type DocumentPath, formatPath, MissingValue, resolveReferences } from '../../core/plan/references.js';
import { sizeWithin } from '../../core/plan/valueSize.js';
import { fail } from '../failure.js';

/** No reference leads to it: their names are texts. */
const allowance = Symbol('allowance');

/** What the values of a run may still come to. */
interface Allowance {
  values: number;
  characters: number;
}

/** What references may lead to: `input`, `steps`, and the locals of the actions around. */
export type PlanVariables = Readonly<Record<string, unknown>> & { readonly [allowance]: Allowance };

/** Variables for one run of a plan. */
export function newVariables(input: unknown): PlanVariables {
  const { runValues: values, runCharacters: characters } = planLimits;
  return { input, steps: {}, [allowance]: { values, characters } };
}

/** @throws ApplicationFailure `Plan.MissingValue`, `Plan.TooLarge` */
export function resolve(value: unknown, variables: PlanVariables, at: DocumentPath): unknown {
  const resolved = resolveElements(value, variables, at);
  const left = variables[allowance];
  const { valueValues, mapCharacters: characters, valueDepth: depth } = planLimits;
  const size = sizeWithin(resolved, { values: Math.min(valueValues, left.values), characters, depth });
  left.values -= size.values;
  if (size.over !== undefined && patched(boundedValues))
    throw tooLarge(at, `what its references lead to ${told[size.over]}`);
  return resolved;
}

/**
 * {@link resolve} for a list whose elements are used one by one: it may hold what all of them together may not.
 *
 * @throws ApplicationFailure `Plan.MissingValue`
 */
export function resolveElements(value: unknown, variables: PlanVariables, at: DocumentPath): unknown {
  try {
    return resolveReferences(value, variables, at);
  } catch (error) {
    if (!(error instanceof MissingValue)) throw error;
    throw fail('Plan.MissingValue', `${formatPath(error.at)}: ${error.message}`);
  }
}

/** The output of a step, which stands in the result of the run with those of all others. @throws ApplicationFailure `Plan.TooLarge` */
export function keepOutput(output: unknown, variables: PlanVariables, at: DocumentPath): unknown {
  const left = variables[allowance];
  const size = sizeWithin(output, { ...left, depth: planLimits.valueDepth });
  left.values -= size.values;
  if (size.over !== undefined && patched(boundedValues))
    throw tooLarge(at, `with its output, the outputs of this run ${toldOfAll[size.over]}`);
  left.characters -= size.characters;
  return output;
}

/** Before it, values had no bound. */
const boundedValues = 'plan-values-are-bounded';

const told = {
  values: `has over ${planLimits.valueValues} values, or with others of this run over ${planLimits.runValues}`,
  characters: `has over ${planLimits.mapCharacters} characters`,
  depth: `is over ${planLimits.valueDepth} deep`,
};
const toldOfAll = {
  values: `have over ${planLimits.runValues} values`,
  characters: `have over ${planLimits.runCharacters} characters`,
  depth: `are over ${planLimits.valueDepth} deep`,
};

function tooLarge(at: DocumentPath, what: string): Error {
  return fail('Plan.TooLarge', `${formatPath(at)}: ${what}: refer to less, or have a tool keep it in a document`);
}

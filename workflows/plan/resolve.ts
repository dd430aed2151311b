import { type DocumentPath, formatPath, MissingValue, resolveReferences } from '../../core/plan/references.js';
import { fail } from '../failure.js';

/** What references may lead to: `input`, `steps`, and the locals of the actions around. */
export type PlanVariables = Readonly<Record<string, unknown>>;

/** @throws ApplicationFailure `Plan.MissingValue` */
export function resolve(value: unknown, variables: PlanVariables, at: DocumentPath): unknown {
  try {
    return resolveReferences(value, variables, at);
  } catch (error) {
    if (!(error instanceof MissingValue)) throw error;
    throw fail('Plan.MissingValue', `${formatPath(error.at)}: ${error.message}`);
  }
}

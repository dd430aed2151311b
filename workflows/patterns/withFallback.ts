import type { StepError } from '../../core/results.js';
import { fail, withLines } from '../failure.js';
import { branchPath, nextPath } from '../scope.js';
import { failureOf, startStep } from '../settle.js';

type Body = () => Promise<unknown>;

export interface FallbackOptions {
  /** Whether a failure is one the next way may help with. Default: any. */
  when?: (error: StepError) => boolean;
}

export type FallbackResult<B extends Readonly<Record<string, Body>>> = {
  [Name in keyof B]: {
    /** The way that worked. */
    used: Name;
    output: Awaited<ReturnType<B[Name]>>;
    /** Why the ways before it failed, in order. */
    errors: StepError[];
  };
}[keyof B];

/**
 * Try one way after the other, in the order of the record, until one works.
 *
 * @throws ApplicationFailure of the first way when none works: what went wrong first is what has to be mended. The failures of the
 *   other ways stand in its message
 */
export async function withFallback<const B extends Readonly<Record<string, Body>>>(
  ways: B,
  { when = () => true }: FallbackOptions = {},
): Promise<FallbackResult<B>> {
  const entries = Object.entries(ways);
  if (entries.length === 0) throw fail('Pattern.InvalidSteps', 'withFallback: there is no way to try');
  const path = nextPath('withFallback');
  const errors: StepError[] = [];
  let first: Error | undefined;
  for (const [name, body] of entries) {
    const step = startStep(branchPath(path, name), body);
    const result = await step.result;
    if (result.status === 'completed') return { used: name, output: result.output, errors } as FallbackResult<B>;
    first ??= step.thrown() ?? failureOf(result);
    errors.push(result.error);
    if (!when(result.error)) break;
  }
  const others = errors
    .slice(1)
    .map(({ type, message }, index) => `then ${entries[index + 1]![0]}: ${type}: ${message}`);
  throw withLines(first!, others);
}

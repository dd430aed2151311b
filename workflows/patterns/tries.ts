/**
 * One step with its retries, its limit and its fallback.
 *
 * Invariants:
 * 1. Each try has a place of its own: the first the step's, the others `retry#N` in it, the fallback `fallback`.
 * 2. A fallback begins only when nothing of the tries runs any more.
 */
import { patched, sleep } from '@temporalio/workflow';
import type { StepError } from '../../core/results.js';
import type { Duration } from '../deadline.js';
import { branchPath, countRepetitions } from '../scope.js';
import { failureOf, startStep } from '../settle.js';

export interface Retry {
  /** Tries in all, 1 to 100. */
  attempts: number;
  /** Between two tries. Default: none. */
  delay?: Duration | undefined;
}

export interface TriesOptions<Output> {
  retry?: Retry | undefined;
  /** Limit of all tries together; the fallback has as long again. */
  timeout?: Duration | undefined;
  /** Runs when the last try has failed. */
  fallback?: ((error: StepError) => Promise<Output>) | undefined;
}

export const mostAttempts = 100;
const endAtUnknown = 'retries-end-at-unknown-outcomes';

/**
 * Run `body` at `path`, again while it fails and tries are left, then the fallback. To be called with nothing else at `path`.
 *
 * @returns the output, and why the fallback was needed
 * @throws what the last try has thrown, also when the fallback fails; its failure stands in the message
 */
export async function runTries<Output>(
  path: string,
  body: () => Promise<Output>,
  { retry, timeout, fallback }: TriesOptions<Output>,
): Promise<{ output: Output; failure?: StepError }> {
  const tries = startStep(path, () => repeat(path, body, retry ?? { attempts: 1 }), { timeout });
  const result = await tries.result;
  if (result.status === 'completed') return { output: result.output };
  const thrown = tries.thrown() ?? failureOf(result);
  if (!fallback) throw thrown;
  const second = startStep(branchPath(path, 'fallback'), () => fallback(result.error), { timeout });
  const ended = await second.result;
  if (ended.status === 'completed') return { output: ended.output, failure: result.error };
  const { type, message, step } = result.error;
  throw failureOf({
    ...result,
    error: {
      type,
      message: `${message}\nthen the fallback: ${ended.error.type}: ${ended.error.message}`,
      ...(step !== undefined && { step }),
    },
  });
}

async function repeat<Output>(path: string, body: () => Promise<Output>, { attempts, delay }: Retry): Promise<Output> {
  for (let attempt = 1; ; attempt += 1) {
    const step = startStep(attempt === 1 ? path : branchPath(path, `retry#${attempt - 1}`), body);
    const result = await step.result;
    if (result.status === 'completed') return result.output;
    // What may have taken effect is not tried again: that would be another effect.
    const unknown = attempt < attempts && result.error.type === 'Tool.OutcomeUnknown' && patched(endAtUnknown);
    if (attempt >= attempts || unknown) throw step.thrown() ?? failureOf(result);
    countRepetitions(1);
    if (delay !== undefined) await sleep(delay);
  }
}

import { SegnoError } from '../../core/errors.js';
import { fallbackReason } from './classify.js';
import type { ChainedModel } from './modelChain.js';

/** The models that may answer instead, where the failed one's config says so. */
export function fallbacksAfter(
  failure: SegnoError,
  failed: ChainedModel,
  candidates: readonly ChainedModel[],
): readonly ChainedModel[] {
  const reason = fallbackReason(failure.type);
  if (reason === undefined || !failed.config.fallback?.on.includes(reason)) return [];
  return candidates.slice(candidates.indexOf(failed) + 1);
}

export function retryable(failure: SegnoError): SegnoError {
  return new SegnoError(failure.type, failure.message, { retryable: true });
}

/** An answer that our own code stumbles over would be asked for, and paid for, again and again: it is final. */
export function readable(error: unknown): SegnoError {
  if (error instanceof SegnoError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new SegnoError('Model.BadResponse', `the answer could not be read: ${reason}`, {
    retryable: false,
    cause: error,
  });
}

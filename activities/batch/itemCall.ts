import type { RunToolResult } from '../../core/contracts.js';
import { SegnoError } from '../../core/errors.js';
import type { OneOfMany } from '../../ledger/index.js';
import type { StepIdentity } from '../dependencies.js';
import { endsBatch, pauseAfter } from './itemRunner.js';

/** The call of a tool for one item. */
export interface ItemCall {
  readonly step: StepIdentity;
  readonly one: OneOfMany;
  /** As the ledger may keep it. */
  kept: unknown;
  /** What becomes of it when its outcome was lost. */
  settle?: (lost: SegnoError) => Promise<RunToolResult>;
  /** The run that is retried began it with other input, and nobody knows whether it took effect. */
  outcomeLost?: boolean;
}

export type BegunItem = { readonly epoch: number; readonly attempts: number } | { readonly found: RunToolResult };

/** @returns undefined when the call is to be begun now */
export async function settleItem(
  settle: NonNullable<ItemCall['settle']>,
  lost: SegnoError,
): Promise<BegunItem | { readonly error: SegnoError } | undefined> {
  try {
    return { found: await settle(lost) };
  } catch (error) {
    if (!(error instanceof SegnoError) || endsBatch(error)) throw error;
    if (!error.retryable) return { error };
    await pauseAfter(error, 1);
    return undefined;
  }
}

import { setTimeout } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import { type ErrorType, SegnoError } from '../../core/errors.js';
import { pauseMsAfter } from '../finalAfter.js';

/** An item of the batch, by its number in the map. */
export interface BatchItem {
  readonly index: number;
  /** Of its step, `mapReduce#1/map/item#17`. */
  readonly path: string;
  readonly input: unknown;
}

export interface ItemUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costPicoUsd: bigint;
}

/** What became of an item; its attempts are real ones. */
export type ItemOutcome = { readonly attempts: number; readonly usage?: ItemUsage } & (
  { readonly output: unknown } | { readonly error: SegnoError }
);

/** Works through the items of one batch, each in its own steps of the ledger. */
export interface ItemRunner {
  /**
   * Resolves when the next item may begin, `outcome` when what became of this one stands in the ledger.
   *
   * @throws SegnoError that ends the batch; see {@link endsBatch}
   */
  run(item: BatchItem): Promise<{ readonly outcome: Promise<ItemOutcome> }>;
}

const ofTheBatch: ReadonlySet<ErrorType> = new Set([
  'Agent.Unknown',
  'Deps.Invalid',
  'Deps.Missing',
  'Ledger.Unavailable',
  'Model.Unknown',
  'Payload.Missing',
  'Run.Cancelled',
  'Step.Fenced',
  'Step.Mismatch',
  'Tool.Unknown',
]);

/** Whether a failure is no item's own: the batch ends with it, and is tried again if that may help, or once a person has answered. */
export function endsBatch({ type, details }: SegnoError): boolean {
  return ofTheBatch.has(type) || (type === 'Budget.Exceeded' && details?.['ask'] !== undefined);
}

/** Wait before the next attempt of an item, as long as a step would. */
export async function pauseAfter({ retryAfterMs }: SegnoError, attempts: number): Promise<void> {
  const pauseMs = retryAfterMs ?? pauseMsAfter(attempts);
  const { cancellationSignal: signal } = Context.current();
  try {
    await setTimeout(pauseMs, undefined, { signal });
  } catch (error) {
    // Retryable, because a worker that shuts down cancels too, and another one goes on.
    throw new SegnoError('Run.Cancelled', 'the batch was cancelled', { retryable: true, cause: error });
  }
}

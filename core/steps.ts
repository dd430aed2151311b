/**
 * What a new attempt of a step does with what an earlier one left in the ledger.
 *
 * Invariants:
 * 1. `done` is final: no decision begins a finished step again.
 * 2. Every decision that lets somebody call the outside world takes a higher epoch; the epoch before it is fenced.
 * 3. A `sent` step that may take effect only once is never begun again: it waits for its owner, then it is `unknown`.
 * 4. A predecessor that may have reached the provider is paid for at its upper bound until its real usage is known.
 */

export type StepState = 'reserved' | 'sent' | 'done' | 'failed' | 'unknown';
export type StepKind = 'model' | 'tool';

/** `pure` has no effect, `idempotent` may be repeated with the same key, `once` must not be repeated. */
export type StepSafety = 'pure' | 'idempotent' | 'once';

/** The longest a waiting attempt is told to stay away, in milliseconds. */
export const maxBusyWaitMs = 2_000;
const minBusyWaitMs = 50;

/** A failure as the ledger keeps it: enough to throw it again. */
export interface StepFailure {
  readonly type: string;
  readonly message: string;
  readonly retryable: boolean;
  readonly details?: Record<string, unknown> | undefined;
}

/** What the ledger holds of a step. */
export interface StepRow {
  readonly state: StepState;
  readonly tenant: string;
  readonly fingerprint: string;
  readonly kind: StepKind;
  readonly safety: StepSafety;
  /** Temporal's number of the attempt that began it last; 0 for local activities. */
  readonly attempt: number;
  readonly failure: StepFailure | undefined;
}

/** What the new attempt brings. */
export interface StepRequest {
  readonly tenant: string;
  readonly fingerprint: string;
  /** Temporal's attempt number; 0 for local activities, which start at 1 again after a crash. */
  readonly attempt: number;
}

/** What is true around the row, as the database sees it at the moment of reading. */
export interface TakeoverFacts {
  /** The rest of the owner's lease by the database's clock; 0 or less when it has run out. */
  readonly leaseRemainingMs: number;
  /** False once the liveness table says dead or stopped. An owner that is not in the table counts as alive. */
  readonly ownerAlive: boolean;
}

export type TakeoverDecision =
  | { readonly do: 'returnResult' }
  | { readonly do: 'rethrow'; readonly failure: StepFailure }
  /** `predecessor`: what becomes of the attempt before, in the books. */
  | { readonly do: 'takeOver'; readonly predecessor: 'released' | 'lost' | 'countedAsSpent' | 'settled' }
  | { readonly do: 'wait'; readonly retryAfterMs: number }
  /** `markUnknown`: the row is still `sent` and has to become `unknown` first. */
  | { readonly do: 'outcomeUnknown'; readonly markUnknown: boolean }
  | { readonly do: 'mismatch' }
  | { readonly do: 'fenced' };

export function decideTakeover(row: StepRow, request: StepRequest, facts: TakeoverFacts): TakeoverDecision {
  if (row.tenant !== request.tenant || row.fingerprint !== request.fingerprint) return { do: 'mismatch' };
  if (row.state === 'done') return { do: 'returnResult' };
  if (row.state === 'failed' && row.failure?.retryable === false) return { do: 'rethrow', failure: row.failure };
  if (request.attempt > 0 && row.attempt > request.attempt) return { do: 'fenced' };
  if (row.state === 'failed') return { do: 'takeOver', predecessor: 'settled' };
  if (row.state === 'reserved') return { do: 'takeOver', predecessor: 'released' };
  if (row.state === 'unknown') return { do: 'outcomeUnknown', markUnknown: false };
  return decideSent(row, facts);
}

function decideSent(row: StepRow, facts: TakeoverFacts): TakeoverDecision {
  if (row.kind === 'model') return { do: 'takeOver', predecessor: 'countedAsSpent' };
  if (row.safety !== 'once') return { do: 'takeOver', predecessor: 'lost' };
  if (facts.ownerAlive && facts.leaseRemainingMs > 0) {
    return { do: 'wait', retryAfterMs: Math.min(Math.max(facts.leaseRemainingMs, minBusyWaitMs), maxBusyWaitMs) };
  }
  return { do: 'outcomeUnknown', markUnknown: true };
}

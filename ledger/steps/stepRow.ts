/** How a row of `segno.steps` is read, and what it means to a new attempt. */
import { isErrorType, SegnoError } from '../../core/errors.js';
import type { StepFailure, StepKind, StepRow, StepSafety, StepState, TakeoverFacts } from '../../core/steps.js';
import { getBlob } from '../blobs.js';
import { hashToSha256Hex } from '../hashJson.js';
import type { Ledger } from '../openLedger.js';
import type { RecordedResult } from './stepTypes.js';

/** One clock judges leases: the database's. */
export const stepColumns = `s.state, s.tenant, s.fingerprint, s.kind, s.safety, s.epoch, s.attempts, s.owner, s.token,
  s.attempt, s.rev, s.result, s.result_hash, s.result_bytes, s.error,
  (extract(epoch from s.lease_until - clock_timestamp()) * 1000)::float8 as lease_remaining_ms,
  not exists (select 1 from segno.workers w where w.instance = s.owner and w.state <> 'active') as owner_alive`;

export interface StoredStep {
  state: StepState;
  tenant: string;
  fingerprint: string;
  kind: StepKind;
  safety: StepSafety;
  epoch: number;
  attempts: number;
  owner: string;
  token: string;
  attempt: number;
  rev: string;
  result: string | null;
  result_hash: string | null;
  result_bytes: number | null;
  error: string | null;
  lease_remaining_ms: number;
  owner_alive: boolean;
}

export async function readStep(ledger: Ledger, key: string): Promise<StoredStep | undefined> {
  const { rows } = await ledger.query<StoredStep>(`select ${stepColumns} from segno.steps s where s.key = $1`, [key], {
    idempotent: true,
  });
  return rows[0];
}

export function stepRowOf(stored: StoredStep): StepRow {
  const { state, tenant, fingerprint, kind, safety, attempt } = stored;
  return { state, tenant, fingerprint, kind, safety, attempt, failure: parseFailure(stored.error) };
}

export function takeoverFactsOf(stored: StoredStep): TakeoverFacts {
  return { leaseRemainingMs: stored.lease_remaining_ms, ownerAlive: stored.owner_alive };
}

export function parseFailure(text: string | null): StepFailure | undefined {
  return text === null ? undefined : (JSON.parse(text) as StepFailure);
}

/** @throws SegnoError `Payload.Missing` when a large result's blob was erased */
export async function recordedResult(ledger: Ledger, stored: StoredStep): Promise<RecordedResult> {
  const resultHash = stored.result_hash ?? '';
  const text = stored.result ?? (await loadLargeResult(ledger, stored.tenant, resultHash));
  return { result: JSON.parse(text), resultHash, bytes: stored.result_bytes ?? 0 };
}

async function loadLargeResult(ledger: Ledger, tenant: string, resultHash: string): Promise<string> {
  try {
    const { bytes } = await getBlob(ledger, { tenant, sha256: hashToSha256Hex(resultHash) });
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  } catch (error) {
    if (!(error instanceof SegnoError) || error.type !== 'Document.Missing') throw error;
    throw new SegnoError('Payload.Missing', `The result ${resultHash} of a finished step is no longer in the ledger.`);
  }
}

export function mismatch(key: string): SegnoError {
  return new SegnoError('Step.Mismatch', `The step ${key} was recorded with other input or another definition.`, {
    details: { key },
  });
}

/**
 * Retryable: the server refuses what an attempt says that it has given up. One that it has not given up belongs to a step
 * that goes on as another activity, whose attempts are counted from 1 again.
 */
export function fenced(key: string): SegnoError {
  const message = `A newer attempt of the step ${key} has begun.`;
  return new SegnoError('Step.Fenced', message, { retryable: true, details: { key } });
}

export function busy(key: string, retryAfterMs: number): SegnoError {
  return new SegnoError('Step.Busy', `Another attempt of the step ${key} may still be running.`, {
    retryAfterMs,
    details: { key },
  });
}

export function outcomeUnknown(key: string): SegnoError {
  return new SegnoError(
    'Tool.OutcomeUnknown',
    `The step ${key} was started, its worker was lost, and it may take effect only once: check the outside system.`,
    { details: { key } },
  );
}

/** The recorded failure as it was thrown; a type of a later version keeps its name in `details.type`. */
export function recordedFailure(failure: StepFailure): SegnoError {
  const { type, message, retryable, details } = failure;
  if (isErrorType(type)) return new SegnoError(type, message, { retryable, ...(details ? { details } : {}) });
  return new SegnoError('Tool.Failed', message, { retryable, details: { ...details, type } });
}

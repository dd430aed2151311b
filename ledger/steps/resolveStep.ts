/**
 * What happens to a step between its attempts: its lease is renewed, it is given back unsent, or a person or a policy
 * says what became of an effect whose outcome was lost.
 */
import { canonicalJson } from '../../core/canonicalJson.js';
import type { StepFailure } from '../../core/steps.js';
import { putBlob } from '../blobs.js';
import { hashText } from '../hashJson.js';
import type { Ledger } from '../openLedger.js';
import { inlineResultBytes } from './settleStep.js';
import type { SettleResult, StepAttempt } from './stepTypes.js';

/** For a long step that is alive: to be called well before the lease ends. */
export async function renewLease(
  ledger: Ledger,
  input: StepAttempt & { readonly leaseMs: number },
): Promise<SettleResult> {
  const { rowCount } = await ledger.query(
    `update segno.steps set lease_until = now() + $4::float8 * interval '1 ms', rev = rev + 1
     where key = $1 and epoch = $2 and owner = $3 and state = 'sent'`,
    [input.key, input.epoch, input.owner, input.leaseMs],
    { idempotent: true },
  );
  return { fenced: rowCount === 0 };
}

/** Gives a step back of which the caller knows that nothing was sent. The attempt does not count and costs nothing. */
export async function releaseStep(ledger: Ledger, input: StepAttempt): Promise<SettleResult> {
  const { rows } = await ledger.query<{ released: boolean }>(
    `with released as (
       update segno.steps set state = 'reserved', attempts = attempts - 1, rev = rev + 1
       where key = $1 and epoch = $2 and owner = $3 and state = 'sent' returning key
     ), attempt as (
       update segno.attempts set state = 'released', finished_at = now()
       where step_key = $1 and epoch = $2 and exists (select 1 from released)
     )
     select exists (select 1 from released)
       or exists (select 1 from segno.steps where key = $1 and epoch = $2 and owner = $3 and state = 'reserved') as released`,
    [input.key, input.epoch, input.owner],
    { idempotent: true },
  );
  return { fenced: rows[0]?.released !== true };
}

export type StepResolution =
  /** The effect took place, with this result. */
  | { readonly done: unknown }
  /** It is to count as failed. */
  | { readonly failed: StepFailure }
  /** It did not take place: the next attempt may call. */
  | { readonly repeat: true };

/**
 * Settles a step whose outcome is unknown.
 *
 * @returns false when the step was not, or no longer, `unknown`: nothing was changed
 */
export async function resolveStep(
  ledger: Ledger,
  { key, resolution, by }: { readonly key: string; readonly resolution: StepResolution; readonly by: string },
): Promise<boolean> {
  const detail = canonicalJson({ resolvedBy: by });
  if ('repeat' in resolution) return update(ledger, key, `state = 'reserved', detail = $2`, [detail]);
  if ('failed' in resolution) {
    const error = canonicalJson(resolution.failed);
    return update(ledger, key, `state = 'failed', finished_at = now(), detail = $2, error = $3`, [detail, error]);
  }
  const text = canonicalJson(resolution.done);
  const bytes = Buffer.byteLength(text);
  const inline = bytes <= inlineResultBytes;
  if (!inline) await putResult(ledger, key, text);
  return update(
    ledger,
    key,
    `state = 'done', finished_at = now(), detail = $2, result = $3, result_hash = $4, result_bytes = $5`,
    [detail, inline ? text : null, hashText(text), bytes],
  );
}

/** A higher epoch, so that the lost attempt cannot overrule the resolution when it comes back. */
async function update(
  ledger: Ledger,
  key: string,
  assignments: string,
  values: (string | number | null)[],
): Promise<boolean> {
  const { rowCount } = await ledger.query(
    `update segno.steps set ${assignments}, epoch = epoch + 1, rev = rev + 1 where key = $1 and state = 'unknown'`,
    [key, ...values],
  );
  return rowCount > 0;
}

async function putResult(ledger: Ledger, key: string, text: string): Promise<void> {
  const { rows } = await ledger.query<{ tenant: string; scope: string }>(
    'select tenant, scope from segno.steps where key = $1',
    [key],
  );
  const home = rows[0];
  if (home) await putBlob(ledger, { ...home, bytes: Buffer.from(text), mediaType: 'application/json' });
}

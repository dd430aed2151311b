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

export interface ResolveStepInput {
  readonly key: string;
  readonly resolution: StepResolution;
  /** Who or what says so. */
  readonly by: string;
  /** Of the attempt whose outcome was lost. Default: whichever it was. */
  readonly epoch?: number | undefined;
}

/**
 * Settles a step whose outcome is unknown.
 *
 * @returns false when the step was not, or no longer, `unknown`: nothing was changed
 */
export async function resolveStep(ledger: Ledger, input: ResolveStepInput): Promise<boolean> {
  const { resolution } = input;
  if ('repeat' in resolution) return update(ledger, input, 'repeat', `state = 'reserved'`, []);
  if ('failed' in resolution) {
    const error = canonicalJson(resolution.failed);
    return update(ledger, input, 'fail', `state = 'failed', finished_at = now(), error = $5`, [error]);
  }
  const text = canonicalJson(resolution.done);
  const bytes = Buffer.byteLength(text);
  const inline = bytes <= inlineResultBytes;
  if (!inline) await putResult(ledger, input.key, text);
  return update(
    ledger,
    input,
    'done',
    `state = 'done', finished_at = now(), error = null, result = $5, result_hash = $6, result_bytes = $7`,
    [inline ? text : null, hashText(text), bytes],
  );
}

/**
 * A higher epoch, so that the lost attempt cannot overrule the resolution when it comes back; and Temporal's attempts are counted
 * anew, as the step may go on as another activity.
 */
async function update(
  ledger: Ledger,
  { key, by, epoch }: ResolveStepInput,
  answer: 'done' | 'repeat' | 'fail',
  assignments: string,
  values: (string | number | null)[],
): Promise<boolean> {
  const resolution = canonicalJson({ answer, by, at: new Date().toISOString(), applied: true });
  const { rowCount } = await ledger.query(
    `update segno.steps set ${assignments}, detail = $2, resolution = $3, epoch = epoch + 1, attempt = 0, rev = rev + 1
     where key = $1 and state = 'unknown' and ($4::int is null or epoch = $4::int)`,
    [key, canonicalJson({ resolvedBy: by }), resolution, epoch ?? null, ...values],
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

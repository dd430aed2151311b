/**
 * The single write of a pure quick step, and the read that spares it the next time.
 *
 * Invariant: the first result recorded under a key stays; everybody else gets it back, whatever they computed.
 */
import { canonicalJson } from '../../core/canonicalJson.js';
import { putBlob } from '../blobs.js';
import { hashText } from '../hashJson.js';
import type { Ledger } from '../openLedger.js';
import { inlineResultBytes } from './settleStep.js';
import { busy, mismatch, readStep, recordedResult } from './stepRow.js';
import type { StoredStep } from './stepRow.js';
import type { RecordedResult, RecordPureStepInput, RecordPureStepResult } from './stepTypes.js';

const recordSql = `
insert into segno.steps as s (key, run_id, workflow_id, scope, tenant, path, kind, name, definition_hash, fingerprint, safety,
  state, epoch, attempts, owner, token, attempt, lease_until, result, result_hash, result_bytes, detail, finished_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'pure', 'done', 1, 1, $11, '', 0, now(), $12, $13, $14, $15, now())
on conflict (key) do update set state = 'done', epoch = s.epoch + 1, attempts = s.attempts + 1, owner = excluded.owner,
  token = '', definition_hash = excluded.definition_hash, result = excluded.result, result_hash = excluded.result_hash, result_bytes = excluded.result_bytes,
  detail = excluded.detail, error = null, finished_at = now(), rev = s.rev + 1
where s.state <> 'done' and s.safety = 'pure' and s.fingerprint = excluded.fingerprint and s.tenant = excluded.tenant
returning 1`;

/** @throws SegnoError `Step.Mismatch`, `Ledger.Unavailable` */
export async function recordPureStep(ledger: Ledger, input: RecordPureStepInput): Promise<RecordPureStepResult> {
  const text = canonicalJson(input.result);
  const resultHash = hashText(text);
  const bytes = Buffer.byteLength(text);
  const inline = bytes <= inlineResultBytes;
  if (!inline) {
    const { tenant, scope } = input;
    await putBlob(ledger, { tenant, scope, bytes: Buffer.from(text), mediaType: 'application/json' });
  }
  const { rowCount } = await ledger.query(
    recordSql,
    [
      input.key,
      input.runId,
      input.workflowId,
      input.scope,
      input.tenant,
      input.path,
      input.kind,
      input.name,
      input.definitionHash,
      input.fingerprint,
      input.owner,
      inline ? text : null,
      resultHash,
      bytes,
      input.detail === undefined ? null : canonicalJson(input.detail),
    ],
    { idempotent: true },
  );
  if (rowCount > 0) return { status: 'recorded', result: JSON.parse(text), resultHash, bytes };
  const stored = await readStep(ledger, input.key);
  const found = stored && (await checkedResult(ledger, input.key, input.fingerprint, stored, input.tenant));
  if (!found) throw busy(input.key, 50);
  return { status: 'found', ...found };
}

/**
 * The result recorded under a key, for a step that may be spared: its own, or its predecessor's in a retry from failure.
 *
 * @throws SegnoError `Step.Mismatch`, `Ledger.Unavailable`
 */
export async function findStep(ledger: Ledger, key: string, fingerprint: string): Promise<RecordedResult | undefined> {
  const stored = await readStep(ledger, key);
  return stored && checkedResult(ledger, key, fingerprint, stored);
}

async function checkedResult(
  ledger: Ledger,
  key: string,
  fingerprint: string,
  stored: StoredStep,
  tenant = stored.tenant,
): Promise<RecordedResult | undefined> {
  if (stored.fingerprint !== fingerprint || stored.tenant !== tenant) throw mismatch(key);
  return stored.state === 'done' ? recordedResult(ledger, stored) : undefined;
}

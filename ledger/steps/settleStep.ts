/**
 * The write after the wire.
 *
 * Invariants:
 * 1. Only the newest attempt, by its owner, changes the step; `done` never changes again.
 * 2. The usage of an attempt is recorded once: an estimate is replaced by the real figure, a real figure by nothing.
 *    That holds for fenced attempts too, which otherwise leave no trace: no result, no node, no blob.
 * 3. An `unknown` step is settled by its own attempt when that comes back: it is the one that knows.
 * 4. One round trip. Repeating the call is the same as making it once.
 * 5. What the gate holds of budgets for the attempt is given back in the same statement, and last: its rows are the busiest.
 */
import type { BudgetWarning, Settlement } from '../../core/admission/admission.js';
import { canonicalJson } from '../../core/canonicalJson.js';
import { settlementJson } from '../admission/admissionJson.js';
import { inlineBlobBytes, putBlob } from '../blobs.js';
import { hashText, sha256Hex } from '../hashJson.js';
import type { Ledger, SqlValue } from '../openLedger.js';
import { nodeArrays } from '../transcripts.js';
import type { FailStepInput, FinishStepInput, SettleResult, StepAttempt, StepBlob, StepUsage } from './stepTypes.js';

/** Results up to this many bytes stand in the step's own row, larger ones in a blob. */
export const inlineResultBytes = 8 * 1024;

/** @throws SegnoError `Ledger.Unavailable` */
export async function finishStep(ledger: Ledger, input: FinishStepInput): Promise<SettleResult> {
  const text = canonicalJson(input.result);
  const hash = hashText(text);
  const bytes = Buffer.byteLength(text);
  const inline = bytes <= inlineResultBytes;
  const blobs = [...(input.blobs ?? [])];
  if (!inline) blobs.push({ bytes: Buffer.from(text), mediaType: 'application/json' });
  await putLargeBlobs(ledger, input, blobs);

  const statement = new SettleStatement(input);
  const value = (next: SqlValue) => statement.bind(next);
  const sameResult = value(hash);
  statement.step(
    `state = 'done', error = null, result = ${value(inline ? text : null)}, result_hash = ${sameResult},
     result_bytes = ${value(bytes)}, detail = ${value(input.detail === undefined ? null : canonicalJson(input.detail))}`,
  );
  statement.settledBefore(`s.state = 'done' and s.result_hash = ${sameResult}`);
  statement.attempt('done', input.usage);
  if (input.nodes?.length) {
    const columns = nodeArrays(input.nodes).map((column) => `${value(column)}::text[]`);
    statement.also(`nodes as (
      insert into segno.nodes (tenant, scope, hash, parent, message, content_hash)
      select u.tenant, u.scope, n.hash, n.parent, n.message, n.content_hash
      from settled u, unnest(${columns.join(', ')}) as n (hash, parent, message, content_hash)
      order by n.hash on conflict do nothing returning 1)`);
    statement.before('nodes');
  }
  const small = blobs.filter((blob) => blob.bytes.byteLength <= inlineBlobBytes);
  if (small.length > 0) {
    const tuples = small.map(
      (blob) =>
        `(${value(sha256Hex(blob.bytes))}::text, ${value(blob.mediaType)}::text, ${value(blob.name ?? null)}::text, ${value(asBuffer(blob.bytes))}::bytea)`,
    );
    statement.also(`blobs as (
      insert into segno.blobs (tenant, scope, sha256, media_type, name, bytes, data)
      select u.tenant, u.scope, b.sha256, b.media_type, b.name, length(b.data), b.data
      from settled u, (values ${tuples.join(', ')}) as b (sha256, media_type, name, data)
      order by b.sha256 on conflict do nothing returning 1)`);
    statement.before('blobs');
  }
  statement.settleCall(input.settlement);
  return statement.run(ledger);
}

/**
 * A failure after which nobody knows whether the effect took place leaves the step `unknown`, for a person to settle.
 *
 * @throws SegnoError `Ledger.Unavailable`
 */
export async function failStep(ledger: Ledger, input: FailStepInput): Promise<SettleResult> {
  const statement = new SettleStatement(input);
  const state = input.error.type === 'Tool.OutcomeUnknown' ? 'unknown' : 'failed';
  const error = statement.bind(canonicalJson(input.error));
  statement.step(`state = '${state}', error = ${error}`);
  statement.settledBefore(`s.state = '${state}' and s.error = ${error}`);
  statement.attempt('failed', input.usage, error);
  statement.settleCall(input.settlement);
  return statement.run(ledger);
}

/** Builds one statement out of the parts a settlement needs, so that none is planned or sent in vain. */
class SettleStatement {
  private readonly values: SqlValue[];
  private readonly parts: string[] = [];
  private wasSettled = 'false';
  private readonly writes = ['settled'];
  private gate = 'null';

  constructor({ key, epoch, owner }: StepAttempt) {
    this.values = [key, epoch, owner];
  }

  bind(value: SqlValue): string {
    this.values.push(value);
    return `$${this.values.length}`;
  }

  step(assignments: string): void {
    this.parts.unshift(`settled as (
      update segno.steps set ${assignments}, finished_at = now(), rev = rev + 1
      where key = $1 and epoch = $2 and owner = $3 and state in ('sent', 'unknown')
      returning tenant, scope)`);
  }

  settledBefore(condition: string): void {
    this.wasSettled = `exists (select 1 from segno.steps s where s.key = $1 and s.epoch = $2 and s.owner = $3 and ${condition})`;
  }

  attempt(state: 'done' | 'failed', usage: StepUsage | undefined, error = 'null'): void {
    const replace = (column: string, value: SqlValue, type: string) =>
      `, ${column} = case when a.estimated is distinct from false then ${this.bind(value)}::${type} else a.${column} end`;
    const usageAssignments = usage
      ? replace('input_tokens', usage.inputTokens, 'bigint') +
        replace('output_tokens', usage.outputTokens, 'bigint') +
        replace('cached_input_tokens', usage.cachedInputTokens, 'bigint') +
        replace('cost_pico', usage.costPicoUsd, 'bigint') +
        replace('estimated', usage.estimated, 'boolean')
      : '';
    this.also(`attempt as (
      update segno.attempts a set
        state = case when exists (select 1 from settled) then '${state}'
          when a.state in ('sent', 'lost') then 'fenced' else a.state end,
        error = coalesce(${error}, a.error), finished_at = now()${usageAssignments}
      where a.step_key = $1 and a.epoch = $2 and a.owner = $3)`);
  }

  /** @param write name of a part that comes before the budgets are locked */
  before(write: string): void {
    this.writes.push(write);
  }

  settleCall(settlement: Settlement | undefined): void {
    if (!settlement) return;
    const after = this.writes.map((write) => `(select count(*) from ${write})`).join(' + ');
    this.gate = `segno.settle_and_warn($1, $2, ${this.bind(settlementJson(settlement))}::jsonb, ${after})`;
  }

  also(part: string): void {
    this.parts.push(part);
  }

  async run(ledger: Ledger): Promise<SettleResult> {
    const sql = `with ${this.parts.join(', ')} select exists (select 1 from settled) or ${this.wasSettled} as settled, ${this.gate} as gate`;
    const { rows } = await ledger.query<Settled>(sql, this.values, { idempotent: true });
    const { settled = false, gate: warnings } = rows[0] ?? {};
    return { fenced: !settled, ...(warnings && { warnings }) };
  }
}

interface Settled {
  settled: boolean;
  gate: BudgetWarning[] | null;
}

/** What does not fit into one statement goes ahead of it: under its own hash it is harmless, and no result names it yet. */
async function putLargeBlobs(ledger: Ledger, attempt: StepAttempt, blobs: readonly StepBlob[]): Promise<void> {
  const large = blobs.filter((blob) => blob.bytes.byteLength > inlineBlobBytes);
  if (large.length === 0) return;
  const { rows } = await ledger.query<{ tenant: string; scope: string }>(
    'select tenant, scope from segno.steps where key = $1 and epoch = $2',
    [attempt.key, attempt.epoch],
    { idempotent: true },
  );
  const home = rows[0];
  if (!home) return;
  for (const blob of large) await putBlob(ledger, { ...home, ...blob });
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * The write after the wire. What ends while a statement is under way goes together in the next one.
 *
 * Invariants:
 * 1. Only the newest attempt, by its owner, changes the step; `done` never changes again.
 * 2. The usage of an attempt is recorded once: an estimate is replaced by the real figure, a real figure by nothing.
 *    That holds for fenced attempts too, which otherwise leave no trace: no result, no node, no blob.
 * 3. An `unknown` step is settled by its own attempt when that comes back: it is the one that knows.
 * 4. One round trip. Repeating the call is the same as making it once.
 * 5. What the gate holds of budgets for the attempts is given back in the same statement, and last: its rows are the busiest.
 */
import type { BudgetWarning, Settlement } from '../../core/admission/admission.js';
import { canonicalJson } from '../../core/canonicalJson.js';
import { settlementOf } from '../admission/admissionJson.js';
import { inlineBlobBytes, putBlob } from '../blobs.js';
import { GroupCommit } from '../groupCommit.js';
import { hashText, sha256Hex } from '../hashJson.js';
import type { Ledger } from '../openLedger.js';
import { toJsonb } from '../toJsonb.js';
import type { TranscriptNode } from '../transcripts.js';
import type { FailStepInput, FinishStepInput, SettleResult, StepAttempt, StepBlob, StepUsage } from './stepTypes.js';

/** Results up to this many bytes stand in the step's own row, larger ones in a blob. */
export const inlineResultBytes = 8 * 1024;

/** Their messages and documents travel with them. */
const largestGroup = 32;

interface Ending {
  readonly attempt: StepAttempt;
  readonly state: 'done' | 'failed' | 'unknown';
  readonly error: string | null;
  readonly result: string | null;
  readonly resultHash: string | null;
  readonly resultBytes: number | null;
  readonly detail: string | null;
  readonly usage: StepUsage | undefined;
  readonly nodes: readonly TranscriptNode[];
  readonly blobs: readonly StepBlob[];
  readonly settlement: Settlement | undefined;
}

/** @throws SegnoError `Ledger.Unavailable` */
export async function finishStep(ledger: Ledger, input: FinishStepInput): Promise<SettleResult> {
  const { key, epoch, owner, usage, settlement, nodes = [] } = input;
  const text = canonicalJson(input.result);
  const bytes = Buffer.byteLength(text);
  const inline = bytes <= inlineResultBytes;
  const blobs = [...(input.blobs ?? [])];
  if (!inline) blobs.push({ bytes: Buffer.from(text), mediaType: 'application/json' });
  await putLargeBlobs(ledger, input, blobs);
  return settle(ledger, {
    attempt: { key, epoch, owner },
    state: 'done',
    error: null,
    result: inline ? text : null,
    resultHash: hashText(text),
    resultBytes: bytes,
    detail: input.detail === undefined ? null : canonicalJson(input.detail),
    usage,
    nodes,
    blobs: blobs.filter((blob) => blob.bytes.byteLength <= inlineBlobBytes),
    settlement,
  });
}

/**
 * A failure after which nobody knows whether the effect took place leaves the step `unknown`, for a person to settle.
 *
 * @throws SegnoError `Ledger.Unavailable`
 */
export async function failStep(ledger: Ledger, input: FailStepInput): Promise<SettleResult> {
  const { key, epoch, owner, usage, settlement } = input;
  // Named one by one: of an Error, JSON leaves its message out.
  const { type, message, retryable, details } = input.error;
  return settle(ledger, {
    attempt: { key, epoch, owner },
    state: type === 'Tool.OutcomeUnknown' ? 'unknown' : 'failed',
    error: canonicalJson({ type, message, retryable, details }),
    result: null,
    resultHash: null,
    resultBytes: null,
    detail: null,
    usage,
    nodes: [],
    blobs: [],
    settlement,
  });
}

const endingsOf = new WeakMap<Ledger, GroupCommit<Ending, SettleResult>>();

function settle(ledger: Ledger, ending: Ending): Promise<SettleResult> {
  let endings = endingsOf.get(ledger);
  if (!endings) {
    endings = new GroupCommit((group) => settleTogether(ledger, group), {
      largest: largestGroup,
      keyOf: ({ attempt }) => attempt.key,
    });
    endingsOf.set(ledger, endings);
  }
  return endings.add(ending);
}

async function settleTogether(ledger: Ledger, endings: readonly Ending[]): Promise<readonly SettleResult[]> {
  const json = {
    endings: endings.map(({ attempt, usage, nodes: _, blobs: __, settlement: ___, ...ending }) => ({
      ...attempt,
      ...ending,
      usage: usage && { ...usage, costPicoUsd: undefined, cost: usage.costPicoUsd.toString() },
    })),
    nodes: endings.flatMap(({ nodes }, index) =>
      nodes.map(({ message, ...node }) => ({
        ...node,
        n: index + 1,
        message: node.contentHash === undefined ? canonicalJson(message) : undefined,
      })),
    ),
    blobs: endings.flatMap(({ blobs }, index) =>
      blobs.map(({ bytes, ...blob }) => ({
        ...blob,
        n: index + 1,
        sha256: sha256Hex(bytes),
        data: asBuffer(bytes).toString('base64'),
      })),
    ),
    warnAt: Object.assign({}, ...endings.map(({ settlement }) => settlement?.warnAt)) as object,
    settlements: endings.flatMap(({ attempt: { key, epoch }, settlement }) =>
      settlement ? [settlementOf({ ...settlement, key, epoch })] : [],
    ),
  };
  const { rows } = await ledger.query<{ settled: boolean; warnings: BudgetWarning[] | null }>(
    'select settled, warnings from segno.settle_steps($1::jsonb) order by n',
    [toJsonb(json)],
    { idempotent: true },
  );
  const warnings = rows[0]?.warnings ?? [];
  return endings.map((ending, index) => {
    const told = warnings.filter(({ budget }) => endings.find((one) => warnsOf(one, budget)) === ending);
    return { fenced: !rows[index]!.settled, ...(told.length > 0 && { warnings: told }) };
  });
}

function warnsOf({ settlement }: Ending, budget: string): boolean {
  return settlement?.warnAt !== undefined && budget in settlement.warnAt;
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

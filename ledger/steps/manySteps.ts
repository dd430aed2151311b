/**
 * What is read, recorded and reused of many tool calls of one map, in one round trip.
 *
 * Invariants:
 * 1. Each row is what the single call (`recordPureStep`, `reuseStep`) would have written.
 * 2. What does not go the simple way, because somebody was there before, is left to the single call: nothing is judged here.
 * 3. Rows are added in the order of their keys, so that two attempts of one batch wait for each other and never in a circle.
 */
import { canonicalJson } from '../../core/canonicalJson.js';
import type { StepSafety, StepState } from '../../core/steps.js';
import { putBlob } from '../blobs.js';
import { hashText } from '../hashJson.js';
import type { Ledger, SqlValue } from '../openLedger.js';
import { effectColumns, type Reuse } from './reuseStep.js';
import { inlineResultBytes } from './settleStep.js';
import { recordedResult, stepColumns, type StoredStep } from './stepRow.js';
import type { RecordedResult, StepIdentity } from './stepTypes.js';

/** What the steps of a map have in common. */
export interface ManySteps extends Omit<StepIdentity, 'key' | 'path' | 'fingerprint'> {
  readonly owner: string;
  readonly safety: StepSafety;
}

export interface OneOfMany {
  readonly key: string;
  readonly path: string;
  readonly fingerprint: string;
}

const common = `run_id, workflow_id, scope, tenant, kind, name, definition_hash, owner, safety`;

function commonValues(many: ManySteps): SqlValue[] {
  const { runId, workflowId, scope, tenant, kind, name, definitionHash, owner, safety } = many;
  return [runId, workflowId, scope, tenant, kind, name, definitionHash, owner, safety];
}

function identities(steps: readonly OneOfMany[]): SqlValue[] {
  return [steps.map(({ key }) => key), steps.map(({ path }) => path), steps.map(({ fingerprint }) => fingerprint)];
}

/** By key; one that nobody has begun is not there. */
export async function readSteps(ledger: Ledger, keys: readonly string[]): Promise<Map<string, StoredStep>> {
  const { rows } = await ledger.query<StoredStep & { key: string }>(
    `select s.key, ${stepColumns} from segno.steps s where s.key = any($1::text[])`,
    [keys],
    { idempotent: true },
  );
  return new Map(rows.map((row) => [row.key, row]));
}

/** @throws SegnoError `Payload.Missing` */
export function resultOf(ledger: Ledger, stored: StoredStep): Promise<RecordedResult> {
  return recordedResult(ledger, stored);
}

export type PureStep = OneOfMany & { readonly result: unknown; readonly detail?: unknown };

/** @returns the keys of those recorded by this call; under the others a result stood already */
export async function recordPureSteps(
  ledger: Ledger,
  many: ManySteps,
  steps: readonly PureStep[],
): Promise<Set<string>> {
  const results = await storedResults(
    ledger,
    many,
    steps.map(({ result }) => result),
  );
  const { rows } = await ledger.query<{ key: string }>(
    `insert into segno.steps as s (${common}, key, path, fingerprint, result, result_hash, result_bytes,
       detail, state, epoch, attempts, token, attempt, lease_until, finished_at)
     select $1, $2, $3, $4, $5, $6, $7, $8, $9, g.*, 'done', 1, 1, '', 0, now(), now()
     from unnest($10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::int[], $16::text[])
       as g (key, path, fingerprint, result, result_hash, result_bytes, detail)
     order by g.key
     on conflict (key) do update set state = 'done', epoch = s.epoch + 1, attempts = s.attempts + 1,
       owner = excluded.owner, token = '', definition_hash = excluded.definition_hash, result = excluded.result,
       result_hash = excluded.result_hash, result_bytes = excluded.result_bytes, detail = excluded.detail, error = null, finished_at = now(),
       rev = s.rev + 1
     where s.state <> 'done' and s.safety = 'pure' and s.fingerprint = excluded.fingerprint and s.tenant = excluded.tenant
     returning s.key`,
    [...commonValues(many), ...identities(steps), ...results, steps.map(detailText)],
    { idempotent: true },
  );
  return new Set(rows.map(({ key }) => key));
}

/**
 * What the retried run left of each step, as `reuseStep` does it: what it finished is recorded under this run's key.
 *
 * @param predecessorKeys in the order of `steps`
 * @returns by this run's key; `outcomeLost`: an effect that the predecessor began with other input and whose outcome nobody knows
 */
export async function reuseSteps(
  ledger: Ledger,
  many: ManySteps,
  steps: readonly OneOfMany[],
  predecessorKeys: readonly string[],
): Promise<Map<string, Pick<Reuse, 'idempotencyKey'> & { outcomeLost: boolean }>> {
  const { rows } = await ledger.query<{
    key: string;
    state: StepState;
    safety: StepSafety;
    idempotency_key: string | null;
  }>(
    `with given as (
       select * from unnest($8::text[], $9::text[], $10::text[]) as g (key, fingerprint, predecessor)
     ), predecessor as (
       select g.key as new_key, g.fingerprint as new_fingerprint, p.* from given g join segno.steps p
       on p.key = g.predecessor and p.tenant = $4 and p.undone_by is null
     ), reused as (
       insert into segno.steps (key, run_id, workflow_id, scope, tenant, path, kind, name, definition_hash, fingerprint, safety,
         state, epoch, attempts, owner, token, attempt, lease_until, model_alias, provider, model, result, result_hash,
         result_bytes, detail, started_at, finished_at, idempotency_key, ${effectColumns})
       select new_key, $1, $2, $3, tenant, path, kind, name, definition_hash, fingerprint, safety,
         case when state = 'done' then 'done' else 'unknown' end, 1, 0, $5, '', 0, now(), model_alias, provider, model, result,
         result_hash, result_bytes, $6, case when state = 'done' then now() else started_at end,
         case when state = 'done' then now() end, coalesce(idempotency_key, key), ${effectColumns}
       from predecessor
       where fingerprint = new_fingerprint and (
         (state = 'done' and (definition_hash = $7 or (kind = 'tool' and safety <> 'pure')))
         or (state in ('sent', 'unknown') and safety = 'once'))
       order by new_key on conflict (key) do nothing
     )
     select new_key as key, state, safety,
       case when fingerprint = new_fingerprint then coalesce(idempotency_key, key) end as idempotency_key
     from predecessor`,
    [
      many.runId,
      many.workflowId,
      many.scope,
      many.tenant,
      many.owner,
      canonicalJson({ reusedFrom: predecessorKeys[0] ?? null, items: steps.length }),
      many.definitionHash,
      steps.map(({ key }) => key),
      steps.map(({ fingerprint }) => fingerprint),
      predecessorKeys,
    ],
    { idempotent: true },
  );
  return new Map(
    rows.map(({ key, state, safety, idempotency_key: idempotencyKey }) => [
      key,
      {
        outcomeLost: idempotencyKey === null && safety === 'once' && (state === 'sent' || state === 'unknown'),
        ...(idempotencyKey !== null && { idempotencyKey }),
      },
    ]),
  );
}

function detailText({ detail }: { readonly detail?: unknown }): string | null {
  return detail === undefined ? null : canonicalJson(detail);
}

/** Columns `result`, `result_hash`, `result_bytes`; what is too large for a row goes ahead as a blob. */
async function storedResults(
  ledger: Ledger,
  { tenant, scope }: { readonly tenant: string; readonly scope: string },
  results: readonly unknown[],
): Promise<SqlValue[]> {
  const inline: (string | null)[] = [];
  const hashes: string[] = [];
  const sizes: number[] = [];
  for (const result of results) {
    const text = canonicalJson(result);
    const bytes = Buffer.byteLength(text);
    if (bytes > inlineResultBytes) {
      await putBlob(ledger, { tenant, scope, bytes: Buffer.from(text), mediaType: 'application/json' });
    }
    inline.push(bytes > inlineResultBytes ? null : text);
    hashes.push(hashText(text));
    sizes.push(bytes);
  }
  return [inline, hashes, sizes];
}

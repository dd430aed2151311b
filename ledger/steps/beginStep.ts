/**
 * The write before the wire: `sent` stands in the ledger before anybody is called.
 *
 * Invariants:
 * 1. One round trip when nobody was there before, and when the step is done.
 * 2. What an earlier attempt left is read, judged by `decideTakeover`, and changed only if it is still what was judged
 *    (`rev`): of two attempts that take over at once, one begins and the other judges again.
 * 3. A call that lost its answer may be repeated: its token tells its own row from anybody else's.
 */
import { randomUUID } from 'node:crypto';
import { decideTakeover } from '../../core/steps.js';
import type { TakeoverDecision } from '../../core/steps.js';
import type { Ledger, SqlValue } from '../openLedger.js';
import {
  busy,
  fenced,
  mismatch,
  outcomeUnknown,
  readStep,
  recordedFailure,
  recordedResult,
  stepColumns,
  stepRowOf,
  takeoverFactsOf,
} from './stepRow.js';
import type { StoredStep } from './stepRow.js';
import type { BeginStepInput, BeginStepResult } from './stepTypes.js';

/** Every lost race means that somebody else went on, so this bound is met only by a bug or a storm. */
const maxRounds = 20;
const stormWaitMs = 200;

/** @throws SegnoError `Step.Mismatch`, `Step.Fenced`, `Step.Busy`, `Tool.OutcomeUnknown`, the recorded final failure, `Ledger.Unavailable` */
export async function beginStep(ledger: Ledger, input: BeginStepInput): Promise<BeginStepResult> {
  const token = randomUUID();
  for (let round = 0; round < maxRounds; round += 1) {
    const first = await insertOrRead(ledger, input, token);
    if (first === 'begun') return { status: 'begun', epoch: 1, attempts: 1 };
    // The row was written while our statement ran, and is too new for its snapshot.
    const stored = first ?? (await readStep(ledger, input.key));
    if (!stored) continue;
    const result = await judge(ledger, input, token, stored);
    if (result) return result;
  }
  throw busy(input.key, stormWaitMs);
}

const insertSql = `
with begun as (
  insert into segno.steps (key, run_id, workflow_id, scope, tenant, path, kind, name, definition_hash, fingerprint, safety,
    state, epoch, attempts, owner, token, attempt, lease_until, model_alias, provider, model, idempotency_key)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,
    'sent', 1, 1, $12, $13, $14, now() + $15::float8 * interval '1 ms', $16, $17, $18, $22)
  on conflict (key) do nothing
  returning key, epoch, tenant, scope, run_id, kind, name, owner, attempt, model_alias, provider, model
), counted as (
  insert into segno.attempts (step_key, epoch, tenant, scope, run_id, kind, name, owner, attempt, model_alias, provider, model,
    state, upper_input_tokens, upper_output_tokens, upper_cost_pico)
  select b.*, 'sent', $19::bigint, $20::bigint, $21::bigint
  from (select key, epoch, tenant, scope, run_id, kind, name, owner, attempt, model_alias, provider, model from begun) b
)
select true as begun, null::text as state, null::text as tenant, null::text as fingerprint, null::text as kind,
  null::text as safety, null::int as epoch, null::int as attempts, null::text as owner, null::text as token,
  null::int as attempt, null::bigint as rev, null::text as result, null::text as result_hash, null::int as result_bytes,
  null::text as error, null::float8 as lease_remaining_ms, null::bool as owner_alive
from begun
union all
select false, ${stepColumns} from segno.steps s where s.key = $1 and not exists (select 1 from begun)`;

async function insertOrRead(
  ledger: Ledger,
  input: BeginStepInput,
  token: string,
): Promise<StoredStep | 'begun' | undefined> {
  const values: SqlValue[] = [
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
    input.safety,
    ...attemptValues(input, token),
    input.idempotencyKey ?? null,
  ];
  const { rows } = await ledger.query<StoredStep & { begun: boolean }>(insertSql, values, { idempotent: true });
  const row = rows[0];
  return row?.begun ? 'begun' : row;
}

function attemptValues(input: BeginStepInput, token: string): SqlValue[] {
  const { model, upperBound } = input;
  return [
    input.owner,
    token,
    input.attempt,
    input.leaseMs,
    model?.alias ?? null,
    model?.provider ?? null,
    model?.model ?? null,
    upperBound?.inputTokens ?? null,
    upperBound?.outputTokens ?? null,
    upperBound?.costPicoUsd ?? null,
  ];
}

/** @returns `undefined` when the row changed under us and has to be judged again */
async function judge(
  ledger: Ledger,
  input: BeginStepInput,
  token: string,
  stored: StoredStep,
): Promise<BeginStepResult | undefined> {
  if (stored.token === token && stored.state === 'sent') {
    return { status: 'begun', epoch: stored.epoch, attempts: stored.attempts };
  }
  const decision = decideTakeover(stepRowOf(stored), input, takeoverFactsOf(stored));
  switch (decision.do) {
    case 'returnResult':
      return { status: 'done', ...(await recordedResult(ledger, stored)) };
    case 'takeOver':
      return takeOver(ledger, input, token, stored, decision);
    case 'outcomeUnknown':
      if (decision.markUnknown && !(await markUnknown(ledger, input.key, stored))) return undefined;
      throw outcomeUnknown(input.key);
    case 'rethrow':
      throw recordedFailure(decision.failure);
    case 'wait':
      throw busy(input.key, decision.retryAfterMs);
    case 'mismatch':
      throw mismatch(input.key);
    case 'fenced':
      throw fenced(input.key);
  }
}

const takeOverSql = `
with begun as (
  update segno.steps set state = 'sent', epoch = epoch + 1, attempts = attempts + 1, rev = rev + 1, owner = $3, token = $4,
    attempt = $5, lease_until = now() + $6::float8 * interval '1 ms', model_alias = $7, provider = $8, model = $9,
    started_at = now(), finished_at = null, error = null, definition_hash = $15
  where key = $1 and rev = $2
  returning key, epoch, attempts, tenant, scope, run_id, kind, name, owner, attempt, model_alias, provider, model
), predecessor as (
  update segno.attempts a set
    state = $13,
    finished_at = now(),
    input_tokens = case when $14::bool then a.upper_input_tokens end,
    output_tokens = case when $14::bool then a.upper_output_tokens end,
    cached_input_tokens = case when $14::bool then 0 end,
    cost_pico = case when $14::bool then a.upper_cost_pico end,
    estimated = case when $14::bool and a.upper_cost_pico is not null then true end
  where a.step_key = $1 and a.state = 'sent' and a.epoch = (select epoch - 1 from begun)
), counted as (
  insert into segno.attempts (step_key, epoch, tenant, scope, run_id, kind, name, owner, attempt, model_alias, provider, model,
    state, upper_input_tokens, upper_output_tokens, upper_cost_pico)
  select key, epoch, tenant, scope, run_id, kind, name, owner, attempt, model_alias, provider, model,
    'sent', $10::bigint, $11::bigint, $12::bigint
  from begun
)
select epoch, attempts from begun`;

async function takeOver(
  ledger: Ledger,
  input: BeginStepInput,
  token: string,
  stored: StoredStep,
  { predecessor }: TakeoverDecision & { do: 'takeOver' },
): Promise<BeginStepResult | undefined> {
  const { rows } = await ledger.query<{ epoch: number; attempts: number }>(
    takeOverSql,
    [
      input.key,
      stored.rev,
      ...attemptValues(input, token),
      predecessor === 'released' ? 'released' : 'lost',
      predecessor === 'countedAsSpent',
      input.definitionHash,
    ],
    { idempotent: true },
  );
  const row = rows[0];
  return row && { status: 'begun', epoch: row.epoch, attempts: row.attempts };
}

async function markUnknown(ledger: Ledger, key: string, stored: StoredStep): Promise<boolean> {
  const { rowCount } = await ledger.query(
    `with marked as (
       update segno.steps set state = 'unknown', rev = rev + 1 where key = $1 and rev = $2 returning key, epoch
     ), lost as (
       update segno.attempts a set state = 'lost' from marked m where a.step_key = m.key and a.epoch = m.epoch
     )
     select 1 from marked`,
    [key, stored.rev],
    { idempotent: true },
  );
  return rowCount > 0;
}

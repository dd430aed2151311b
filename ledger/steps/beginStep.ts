/**
 * The write before the wire: `sent` stands in the ledger before anybody is called.
 *
 * Invariants:
 * 1. One round trip when nobody was there before, and when the step is done.
 * 2. What an earlier attempt left is read, judged by `decideTakeover`, and changed only if it is still what was judged
 *    (`rev`): of two attempts that take over at once, one begins and the other judges again.
 * 3. A call that lost its answer may be repeated: its token tells its own row from anybody else's.
 * 4. With an `admission`, the gate decides in the same statement: a step it does not let pass is not begun.
 * 5. First begins that come together go together (beginFirst.ts); taking over goes alone.
 */
import { randomUUID } from 'node:crypto';
import { inUsd, unitOf } from '../../core/admission/refusal.js';
import { SegnoError } from '../../core/errors.js';
import { formatUsd } from '../../core/money.js';
import { decideTakeover } from '../../core/steps.js';
import type { TakeoverDecision } from '../../core/steps.js';
import { admissionJson, type Verdict } from '../admission/admissionJson.js';
import { expireLease } from '../admission/expireLeases.js';
import type { Ledger, SqlValue } from '../openLedger.js';
import { beginFirst } from './beginFirst.js';
import {
  busy,
  fenced,
  mismatch,
  outcomeUnknown,
  readStep,
  recordedFailure,
  recordedResult,
  stepRowOf,
  takeoverFactsOf,
} from './stepRow.js';
import type { StoredStep } from './stepRow.js';
import type { Begun, BeginStepInput, BeginStepResult } from './stepTypes.js';

/** Every lost race means that somebody else went on, so this bound is met only by a bug or a storm. */
const maxRounds = 20;
const stormWaitMs = 200;

/**
 * @throws SegnoError `Step.Mismatch`, `Step.Fenced`, `Step.Busy`, `Tool.OutcomeUnknown`, the recorded final failure, `Admission.Waiting`,
 *   `Budget.Exceeded`, `Ledger.Unavailable`
 */
export async function beginStep(ledger: Ledger, input: BeginStepInput): Promise<BeginStepResult> {
  const token = randomUUID();
  for (let round = 0; round < maxRounds; round += 1) {
    const first = await beginFirst(ledger, { input, token });
    const verdict = first.verdict ?? undefined;
    if (first.begun) return begun(1, 1, verdict);
    if (verdict) throw notAdmitted(verdict, input);
    // The row was written while our statement ran, and is too new for its snapshot.
    const stored = first.state ? first : await readStep(ledger, input.key);
    if (!stored) continue;
    const result = await judge(ledger, input, token, stored);
    if (result) return result;
  }
  throw busy(input.key, stormWaitMs);
}

function begun(epoch: number, attempts: number, verdict: Verdict | undefined): Begun {
  if (verdict?.do !== 'go') return { status: 'begun', epoch, attempts };
  const { alias, inputTokens, outputTokens } = verdict.candidate;
  const { waitedMs, waitedFor, leftMs, skipped = [] } = verdict;
  const waited = { waitedMs: waitedMs ?? 0, ...(waitedFor !== null && { waitedFor }) };
  const admitted = { alias, inputTokens, outputTokens, ...waited, ...(leftMs !== null && { leftMs }), skipped };
  return { status: 'begun', epoch, attempts, admitted };
}

/** This very call has begun the step, and its answer was lost. */
async function ownBegun(ledger: Ledger, input: BeginStepInput, { epoch, attempts }: StoredStep): Promise<Begun> {
  if (!input.admission) return { status: 'begun', epoch, attempts };
  const { rows } = await ledger.query<{ alias: string; input: string; output: string; left_ms: number | null }>(
    `select model_alias as alias, upper_input_tokens as input, upper_output_tokens as output,
       (select extract(epoch from min(b.ends_at) - clock_timestamp())::float8 * 1000 from segno.budgets b
        where b.key = any(a.budgets)) as left_ms
     from segno.attempts a where step_key = $1 and epoch = $2`,
    [input.key, epoch],
    { idempotent: true },
  );
  const { alias, input: inputTokens, output: outputTokens, left_ms: leftMs } = rows[0]!;
  const tokens = { inputTokens: Number(inputTokens), outputTokens: Number(outputTokens) };
  const admitted = { alias, ...tokens, waitedMs: 0, ...(leftMs !== null && { leftMs }), skipped: [] };
  return { status: 'begun', epoch, attempts, admitted };
}

/** Whom the gate does not let pass: an error to be thrown, as one that waits comes again and one without a budget does not. */
function notAdmitted(verdict: Verdict, { admission }: BeginStepInput): SegnoError {
  if (verdict.do === 'wait') {
    const { at, for: reason, ahead, waitMs } = verdict;
    const message = `The call waits at ${at} (${reason})${ahead > 0 ? `, behind ${ahead} others` : ''}.`;
    return new SegnoError('Admission.Waiting', message, { retryAfterMs: waitMs, details: { at, for: reason, ahead } });
  }
  if (verdict.do === 'exhausted') {
    const { budget, for: reason, skipped = [] } = verdict;
    const { inputTokens, outputTokens, costPicoUsd } = admission!.candidates[skipped.length]!;
    const tokens = inputTokens + outputTokens;
    const why = {
      time: 'its time is over',
      calls: 'no call is left',
      tokens: `not enough tokens left, the call may use up to ${tokens}`,
      cost: `not enough cost left, the call may cost up to ${formatUsd(costPicoUsd)}`,
    }[reason];
    const needed = inUsd({ costPicoUsd, tokens, calls: 1 });
    return new SegnoError('Budget.Exceeded', `The budget ${budget} is used up: ${why}.`, {
      details: { budget, for: reason, unit: unitOf(reason), needed },
    });
  }
  throw new Error('The step was admitted and not begun.');
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
  if (stored.token === token && stored.state === 'sent') return ownBegun(ledger, input, stored);
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
with held as (select epoch from segno.steps where key = $1 and rev = $2 for update
), gate as materialized (
  select case when $16::jsonb is not null then segno.admit($1, epoch + 1, $16::jsonb) end as verdict from held
), picked as (select verdict->'candidate' as c, verdict from gate where verdict is null or verdict->>'do' = 'go'
), begun as (
  update segno.steps set state = 'sent', epoch = epoch + 1, attempts = attempts + 1, rev = rev + 1, owner = $3, token = $4,
    attempt = $5, lease_until = now() + $6::float8 * interval '1 ms', model_alias = coalesce(p.c->>'alias', $7),
    provider = coalesce(p.c->>'provider', $8), model = coalesce(p.c->>'model', $9),
    started_at = now(), finished_at = null, error = null, definition_hash = $15
  from picked p
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
    state, upper_input_tokens, upper_output_tokens, upper_cost_pico, budgets, waited_ms, waited_for, instead_of)
  select b.key, b.epoch, b.tenant, b.scope, b.run_id, b.kind, b.name, b.owner, b.attempt, b.model_alias, b.provider, b.model, 'sent',
    coalesce((p.c->>'inputTokens')::bigint, $10::bigint), coalesce((p.c->>'outputTokens')::bigint, $11::bigint),
    coalesce((p.c->>'cost')::bigint, $12::bigint), 
    array(select jsonb_array_elements_text(p.verdict->'budgets')), (p.verdict->>'waitedMs')::bigint, p.verdict->>'waitedFor',
    nullif(p.verdict->'skipped', '[]')::text
  from begun b, picked p
)
select b.epoch, b.attempts, g.verdict from gate g left join begun b on true`;

async function takeOver(
  ledger: Ledger,
  input: BeginStepInput,
  token: string,
  stored: StoredStep,
  { predecessor }: TakeoverDecision & { do: 'takeOver' },
): Promise<BeginStepResult | undefined> {
  // What its call may have cost is counted before its budgets are asked for more.
  if (input.admission && stored.state === 'sent') await expireLease(ledger, input.key, stored.epoch, false);
  const { rows } = await ledger.query<{ epoch: number | null; attempts: number; verdict: Verdict | null }>(
    takeOverSql,
    [
      input.key,
      stored.rev,
      ...attemptValues(input, token),
      predecessor === 'released' ? 'released' : 'lost',
      predecessor === 'countedAsSpent',
      input.definitionHash,
      input.admission ? admissionJson(input, input.admission) : null,
    ],
    { idempotent: true },
  );
  const row = rows[0];
  if (row && row.epoch !== null) return begun(row.epoch, row.attempts, row.verdict ?? undefined);
  if (row?.verdict && row.verdict.do !== 'go') throw notAdmitted(row.verdict, input);
  return undefined;
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

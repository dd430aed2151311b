/**
 * Retry from failure: a new run takes over what its predecessor has finished.
 *
 * Invariants:
 * 1. A finished step of the same path and fingerprint is reused. A model call or a tool without effects also needs the same
 *    definition: what was changed there runs anew. An effect does not take place twice because its description was edited.
 * 2. A reused step stands in the new run's own rows, so that a retry of the retry finds it there.
 * 3. An effect whose outcome was lost in the predecessor is as unknown in the retry, with what somebody has said of it since.
 * 4. An idempotent effect that the predecessor began is called again under the predecessor's idempotency key.
 * 5. The same holds for what an earlier run of the chain left and the predecessor did not get to: it inherits first.
 * 6. An effect that was taken back is as if it had never been.
 */
import { canonicalJson } from '../../core/canonicalJson.js';
import { SegnoError } from '../../core/errors.js';
import type { StepSafety, StepState } from '../../core/steps.js';
import type { Ledger } from '../openLedger.js';
import { readStep, recordedResult } from './stepRow.js';
import type { RecordedResult, StepIdentity } from './stepTypes.js';

/** Of an effect, beside what every step has. */
export const effectColumns = 'input, input_sha256, input_bytes, resolution';

const reuseSql = `
with predecessor as (
  select * from segno.steps where key = $1 and tenant = $2 and undone_by is null
), reused as (
  insert into segno.steps (key, run_id, workflow_id, scope, tenant, path, kind, name, definition_hash, fingerprint, safety,
    state, epoch, attempts, owner, token, attempt, lease_until, model_alias, provider, model, result, result_hash,
    result_bytes, detail, started_at, finished_at, idempotency_key, ${effectColumns})
  select $3, $4, $5, $6, tenant, path, kind, name, definition_hash, fingerprint, safety,
    case when state = 'done' then 'done' else 'unknown' end, 1, 0, $7, '', 0, now(), model_alias, provider, model, result,
    result_hash, result_bytes, $8, case when state = 'done' then now() else started_at end,
    case when state = 'done' then now() end, coalesce(idempotency_key, key), ${effectColumns}
  from predecessor
  where fingerprint = $9 and (
    (state = 'done' and (definition_hash = $10 or (kind = 'tool' and safety <> 'pure')))
    or (state in ('sent', 'unknown') and safety = 'once'))
  on conflict (key) do nothing
  returning 1
)
select state, safety, (select count(*) from reused)::int as reused,
  case when fingerprint = $9 then coalesce(idempotency_key, key) end as idempotency_key
from predecessor`;

export interface Reuse {
  /** The predecessor's, now recorded under this run's key; absent when the step is to run. */
  readonly recorded?: RecordedResult;
  /** Under which the predecessor began the same effect. */
  readonly idempotencyKey?: string;
}

/**
 * @throws SegnoError `Tool.OutcomeUnknown`, `Ledger.Unavailable`
 */
export async function reuseStep(
  ledger: Ledger,
  step: StepIdentity & { readonly owner: string; readonly safety: StepSafety },
  predecessorKey: string,
): Promise<Reuse> {
  const { rows } = await ledger.query<{
    state: StepState;
    safety: StepSafety;
    reused: number;
    idempotency_key: string | null;
  }>(
    reuseSql,
    [
      predecessorKey,
      step.tenant,
      step.key,
      step.runId,
      step.workflowId,
      step.scope,
      step.owner,
      canonicalJson({ reusedFrom: predecessorKey }),
      step.fingerprint,
      step.definitionHash,
    ],
    { idempotent: true },
  );
  const found = rows[0];
  const lost = found?.safety === 'once' && (found.state === 'sent' || found.state === 'unknown');
  if (lost && found.idempotency_key === null) {
    throw new SegnoError(
      'Tool.OutcomeUnknown',
      `${step.path} was started with other input by the run that is retried, and its outcome was lost`,
    );
  }
  if (!found) return {};
  const stored = found.reused === 0 ? undefined : await readStep(ledger, step.key);
  if (stored?.state === 'done') return { recorded: await recordedResult(ledger, stored) };
  return found.idempotency_key === null ? {} : { idempotencyKey: found.idempotency_key };
}

export interface Inheritance {
  readonly tenant: string;
  readonly scope: string;
  /** The run that inherits; it has ended, and is about to be retried. */
  readonly runId: string;
  /** The run that it retried itself. */
  readonly predecessor: string;
}

/**
 * Gives a run what its own predecessor left and it did not get to: finished steps, effects whose outcome was lost, and the
 * idempotency keys of effects that were begun. A retry looks at one run only; without this it would repeat what was done two
 * runs ago.
 *
 * @throws SegnoError `Ledger.Unavailable`
 */
export async function inheritSteps(ledger: Ledger, { tenant, scope, runId, predecessor }: Inheritance): Promise<void> {
  await ledger.query(
    `insert into segno.steps (key, run_id, workflow_id, scope, tenant, path, kind, name, definition_hash, fingerprint, safety,
       state, epoch, attempts, owner, token, attempt, lease_until, model_alias, provider, model, result, result_hash,
       result_bytes, error, detail, finished_at, idempotency_key, ${effectColumns})
     select $3::text || '/' || path, $3, workflow_id, scope, tenant, path, kind, name, definition_hash, fingerprint, safety,
       case when state = 'done' then state when safety = 'once' then 'unknown' else 'reserved' end, 1, 0, owner, '', 0, now(), model_alias, provider, model, result,
       result_hash, result_bytes, error, $5, finished_at, coalesce(idempotency_key, key), ${effectColumns}
     from segno.steps
     where tenant = $1 and scope = $2 and key = $4::text || '/' || path and undone_by is null
       and (state = 'done' or (safety = 'once' and state in ('sent', 'unknown')) or (kind = 'tool' and safety = 'idempotent'))
     order by seq on conflict (key) do nothing`,
    [tenant, scope, runId, predecessor, canonicalJson({ inheritedFrom: predecessor })],
    { idempotent: true },
  );
}

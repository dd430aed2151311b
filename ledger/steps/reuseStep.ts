/**
 * Retry from failure: a new run takes over what its predecessor has finished.
 *
 * Invariants:
 * 1. Only a finished step of the same path, fingerprint and definition is reused; whatever was changed runs anew.
 * 2. A reused step stands in the new run's own rows, so that a retry of the retry finds it there.
 * 3. An effect whose outcome was lost in the predecessor is not repeated by the retry either.
 * 4. The same holds for what an earlier run of the chain left and the predecessor did not get to: it inherits first.
 */
import { canonicalJson } from '../../core/canonicalJson.js';
import { SegnoError } from '../../core/errors.js';
import type { StepSafety, StepState } from '../../core/steps.js';
import type { Ledger } from '../openLedger.js';
import { readStep, recordedResult } from './stepRow.js';
import type { RecordedResult, StepIdentity } from './stepTypes.js';

const reuseSql = `
with predecessor as (
  select * from segno.steps where key = $1 and tenant = $2
), reused as (
  insert into segno.steps (key, run_id, workflow_id, scope, tenant, path, kind, name, definition_hash, fingerprint, safety,
    state, epoch, attempts, owner, token, attempt, lease_until, model_alias, provider, model, result, result_hash,
    result_bytes, detail, finished_at)
  select $3, $4, $5, $6, tenant, path, kind, name, definition_hash, fingerprint, safety,
    'done', 1, 0, $7, '', 0, now(), model_alias, provider, model, result, result_hash, result_bytes, $8, now()
  from predecessor where state = 'done' and fingerprint = $9 and definition_hash = $10
  on conflict (key) do nothing
  returning 1
)
select state, safety, (select count(*) from reused)::int as reused from predecessor`;

/**
 * @returns the predecessor's result, now recorded under this run's key; undefined when the step is to run
 * @throws SegnoError `Tool.OutcomeUnknown`, `Ledger.Unavailable`
 */
export async function reuseStep(
  ledger: Ledger,
  step: StepIdentity & { readonly owner: string; readonly safety: StepSafety },
  predecessorKey: string,
): Promise<RecordedResult | undefined> {
  const { rows } = await ledger.query<{ state: StepState; safety: StepSafety; reused: number }>(
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
  if (found && found.safety === 'once' && (found.state === 'sent' || found.state === 'unknown')) {
    throw new SegnoError(
      'Tool.OutcomeUnknown',
      `${step.path} was started by the run that is retried, and its outcome was lost`,
    );
  }
  if (!found || found.reused === 0) return undefined;
  const stored = await readStep(ledger, step.key);
  return stored?.state === 'done' ? recordedResult(ledger, stored) : undefined;
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
 * Gives a run what its own predecessor left and it did not get to: finished steps, and effects whose outcome was lost. A
 * retry looks at one run only; without this it would repeat what was done two runs ago.
 *
 * @throws SegnoError `Ledger.Unavailable`
 */
export async function inheritSteps(ledger: Ledger, { tenant, scope, runId, predecessor }: Inheritance): Promise<void> {
  await ledger.query(
    `insert into segno.steps (key, run_id, workflow_id, scope, tenant, path, kind, name, definition_hash, fingerprint, safety,
       state, epoch, attempts, owner, token, attempt, lease_until, model_alias, provider, model, result, result_hash,
       result_bytes, error, detail, finished_at)
     select $3::text || '/' || path, $3, workflow_id, scope, tenant, path, kind, name, definition_hash, fingerprint, safety,
       case state when 'sent' then 'unknown' else state end, 1, 0, owner, '', 0, now(), model_alias, provider, model, result,
       result_hash, result_bytes, error, $5, finished_at
     from segno.steps
     where tenant = $1 and scope = $2 and key = $4::text || '/' || path
       and (state = 'done' or (safety = 'once' and state in ('sent', 'unknown')))
     order by seq on conflict (key) do nothing`,
    [tenant, scope, runId, predecessor, canonicalJson({ inheritedFrom: predecessor })],
    { idempotent: true },
  );
}

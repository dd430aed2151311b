/**
 * Removes what a run has said and made: steps, transcripts, documents, the items of its maps.
 *
 * Invariants:
 * 1. What other scopes hold stays, equal content included.
 * 2. The bill stays: attempts keep their tokens and cost, and lose their error texts; raises of budgets lose who made them.
 * 3. Large payloads of a child workflow stand under its own id, all that a codec is told; they go with its steps.
 * 4. A run that still works will find its steps gone and run them anew: erase finished runs only.
 */
import type { Ledger } from './openLedger.js';

export interface ErasedScope {
  readonly steps: number;
  readonly nodes: number;
  readonly blobs: number;
}

/** @throws SegnoError `Ledger.Unavailable` */
export async function eraseScope(
  ledger: Ledger,
  { tenant, scope }: { readonly tenant: string; readonly scope: string },
): Promise<ErasedScope> {
  const { rows } = await ledger.query<ErasedScope>(
    `with steps as (delete from segno.steps where tenant = $1 and scope = $2 returning 1),
       batches as (delete from segno.batches where tenant = $1 and scope = $2),
       nodes as (delete from segno.nodes where tenant = $1 and scope = $2 returning 1),
       holders as (select $2::text as scope union select workflow_id from segno.steps where tenant = $1 and scope = $2),
       blobs as (delete from segno.blobs where tenant = $1 and scope in (select scope from holders) returning 1),
       parts as (delete from segno.blob_parts where tenant = $1 and scope in (select scope from holders)),
       raises as (update segno.budget_raises set raised_by = null where tenant = $1 and scope = $2 and raised_by is not null),
       errors as (update segno.attempts set error = null where tenant = $1 and scope = $2 and error is not null)
     select (select count(*)::int from steps) as steps, (select count(*)::int from nodes) as nodes,
       (select count(*)::int from blobs) as blobs`,
    [tenant, scope],
    { idempotent: true },
  );
  return rows[0] ?? { steps: 0, nodes: 0, blobs: 0 };
}

/**
 * The batches of a map: which items each works through, and what became of them.
 *
 * Invariants:
 * 1. The items of a map are stored once; storing others under the same path is `Step.Mismatch`.
 * 2. A batch is finished once: the first outputs recorded stay.
 */
import type { BatchTotals } from '../core/batches.js';
import { SegnoError } from '../core/errors.js';
import type { Ledger } from './openLedger.js';

/** The map a batch belongs to. */
export interface MapIdentity {
  /** Of the run that its steps' keys begin with. */
  readonly runId: string;
  readonly path: string;
}

export interface StoredBatch {
  readonly batch: number;
  /** Number of its first item. */
  readonly first: number;
  readonly items: number;
  /** SHA-256 (hexadecimal) of a blob: the items as a JSON array. */
  readonly input: string;
}

export interface BatchRow extends StoredBatch {
  /** SHA-256 of a blob: a JSON array with an `ItemEnd` an item. Absent, as `totals` is, until the batch is finished. */
  readonly output: string | undefined;
  readonly totals: BatchTotals | undefined;
}

/** @throws SegnoError `Step.Mismatch`, `Ledger.Unavailable` */
export async function storeBatches(
  ledger: Ledger,
  map: MapIdentity & { readonly tenant: string; readonly scope: string },
  batches: readonly StoredBatch[],
): Promise<void> {
  const { runId, path, tenant, scope } = map;
  const { rows } = await ledger.query<{ mismatched: number }>(
    `with given as (
       select * from unnest($5::int[], $6::int[], $7::int[], $8::text[]) as g (batch, first_item, items, input_sha256)
     ), stored as (
       insert into segno.batches (run_id, path, batch, tenant, scope, first_item, items, input_sha256)
       select $1, $2, batch, $3, $4, first_item, items, input_sha256 from given order by batch
       on conflict do nothing
     )
     select count(*)::int as mismatched from segno.batches b left join given g on b.batch = g.batch
     where b.run_id = $1 and b.path = $2 and b.input_sha256 is distinct from g.input_sha256`,
    [
      runId,
      path,
      tenant,
      scope,
      batches.map(({ batch }) => batch),
      batches.map(({ first }) => first),
      batches.map(({ items }) => items),
      batches.map(({ input }) => input),
    ],
    { idempotent: true },
  );
  if (rows[0]?.mismatched === 0) return;
  throw new SegnoError('Step.Mismatch', `The map ${path} was begun with other items.`, { details: { step: path } });
}

interface Row {
  batch: number;
  first_item: number;
  items: number;
  input_sha256: string;
  output_sha256: string | null;
  totals: string | null;
}

/** In order. */
export async function readBatches(
  ledger: Ledger,
  { runId, path }: MapIdentity,
  { from, limit }: { readonly from: number; readonly limit: number },
): Promise<BatchRow[]> {
  const { rows } = await ledger.query<Row>(
    `select batch, first_item, items, input_sha256, output_sha256, totals from segno.batches
     where run_id = $1 and path = $2 and batch >= $3 order by batch limit $4`,
    [runId, path, from, limit],
    { idempotent: true },
  );
  return rows.map((row) => ({
    batch: row.batch,
    first: row.first_item,
    items: row.items,
    input: row.input_sha256,
    output: row.output_sha256 ?? undefined,
    totals: row.totals === null ? undefined : (JSON.parse(row.totals) as BatchTotals),
  }));
}

/** @returns what stands in the ledger now: another attempt may have come first */
export async function finishBatch(
  ledger: Ledger,
  { runId, path, batch }: MapIdentity & { readonly batch: number },
  { output, totals }: { readonly output: string; readonly totals: BatchTotals },
): Promise<BatchTotals> {
  const { rows } = await ledger.query<{ totals: string }>(
    `update segno.batches set output_sha256 = coalesce(output_sha256, $4), totals = coalesce(totals, $5),
       finished_at = coalesce(finished_at, now())
     where run_id = $1 and path = $2 and batch = $3 returning totals`,
    [runId, path, batch, output, JSON.stringify(totals)],
    { idempotent: true },
  );
  const row = rows[0];
  if (!row) throw new SegnoError('Payload.Missing', `The batch ${path}/batch#${batch} is no longer in the ledger.`);
  return JSON.parse(row.totals) as BatchTotals;
}

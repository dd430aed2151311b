/**
 * Where the items and outputs of a map stand in the ledger.
 *
 * Invariant: one batch at a time is held in memory, however many there are.
 */
import type { BatchTotals, ItemEnd } from '../../core/batches.js';
import type { RunContext } from '../../core/contracts.js';
import { SegnoError } from '../../core/errors.js';
import {
  type BatchRow,
  finishBatch,
  getBlob,
  type Ledger,
  type MapIdentity,
  putBlob,
  readBatches,
} from '../../ledger/index.js';
import { currentStep } from '../dependencies.js';

export interface StoredMap extends MapIdentity {
  readonly tenant: string;
  readonly scope: string;
}

/** The map at `path` of the run that the current activity works for. */
export function mapOf({ path, ctx }: { path: string; ctx?: RunContext }): StoredMap {
  const { runId, scope, tenant } = currentStep({ path, ...(ctx && { ctx }) });
  return { runId: ctx?.run ?? runId, path, scope, tenant };
}

/** @throws SegnoError `Payload.Missing` */
export async function readBatch(ledger: Ledger, map: StoredMap, batch: number): Promise<BatchRow> {
  const [row] = await readBatches(ledger, map, { from: batch, limit: 1 });
  if (row?.batch === batch) return row;
  throw new SegnoError('Payload.Missing', `The batch ${map.path}/batch#${batch} is not in the ledger.`);
}

export async function* allBatches(ledger: Ledger, map: StoredMap, from = 0): AsyncGenerator<BatchRow> {
  const limit = 100;
  for (let next = from; ;) {
    const rows = await readBatches(ledger, map, { from: next, limit });
    yield* rows;
    if (rows.length < limit) return;
    next = rows.at(-1)!.batch + 1;
  }
}

export async function readItemsOf(ledger: Ledger, map: StoredMap, { input }: BatchRow): Promise<unknown[]> {
  return (await readJson(ledger, map, input)) as unknown[];
}

/** What became of each item; empty until the batch is finished. */
export async function readEndsOf(ledger: Ledger, map: StoredMap, { output }: BatchRow): Promise<ItemEnd[]> {
  return output === undefined ? [] : ((await readJson(ledger, map, output)) as ItemEnd[]);
}

/** @returns its SHA-256 */
export async function putJsonText(ledger: Ledger, { tenant, scope }: StoredMap, text: string): Promise<string> {
  const bytes = Buffer.from(text);
  return (await putBlob(ledger, { tenant, scope, bytes, mediaType: 'application/json' })).sha256;
}

export async function finishWith(
  ledger: Ledger,
  map: StoredMap,
  batch: number,
  ends: readonly ItemEnd[],
  totals: BatchTotals,
): Promise<BatchTotals> {
  const output = await putJsonText(ledger, map, JSON.stringify(ends));
  return finishBatch(ledger, { ...map, batch }, { output, totals });
}

async function readJson(ledger: Ledger, { tenant }: StoredMap, sha256: string): Promise<unknown> {
  try {
    return JSON.parse(Buffer.from((await getBlob(ledger, { tenant, sha256 })).bytes).toString('utf8'));
  } catch (error) {
    if (!(error instanceof SegnoError) || error.type !== 'Document.Missing') throw error;
    throw new SegnoError('Payload.Missing', `${sha256}, items or outputs of a map, is no longer in the ledger.`);
  }
}

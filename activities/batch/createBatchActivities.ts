import {
  type BatchActivities,
  type BatchRequest,
  type BatchTotals,
  type ItemFailure,
  isOutput,
  type ReadItemsResult,
  type ReadOutputsRequest,
  type ReadOutputsResult,
  type RecordBatchRequest,
  totalsOf,
  type WriteOutputsRequest,
} from '../../core/batches.js';
import type { DocumentRef } from '../../core/document.js';
import { putBlob } from '../../ledger/index.js';
import { boundary } from '../boundary.js';
import type { ActivityDependencies } from '../dependencies.js';
import { withHeartbeat } from '../heartbeat.js';
import { createRunBatch } from '../runBatch.js';
import { allBatches, finishWith, mapOf, readBatch, readEndsOf, readItemsOf } from './batchStore.js';
import { createCloseBatches } from './closeBatches.js';
import { createStoreItems } from './storeItems.js';

/** Outputs a workflow gets in one piece. */
const pageChars = 1_000_000;

/** What maps of many items are made of. */
export function createBatchActivities(dependencies: ActivityDependencies): BatchActivities {
  const { ledger } = dependencies;
  return {
    storeItems: boundary(createStoreItems(dependencies)),
    runBatch: boundary(createRunBatch(dependencies)),
    readItems: boundary(readItems),
    recordBatch: boundary(recordBatch),
    closeBatches: boundary(createCloseBatches(dependencies)),
    readOutputs: boundary((request: ReadOutputsRequest) => withHeartbeat(() => readOutputs(request))),
    writeOutputs: boundary((request: WriteOutputsRequest) => withHeartbeat(() => writeOutputs(request))),
  };

  async function readItems(request: BatchRequest): Promise<ReadItemsResult> {
    const map = mapOf(request);
    const row = await readBatch(ledger, map, request.batch);
    return { items: await readItemsOf(ledger, map, row), first: row.first };
  }

  /** A batch whose items ran in a workflow. */
  async function recordBatch({ ends, usage, repetitions, ...request }: RecordBatchRequest): Promise<BatchTotals> {
    const map = mapOf(request);
    const { first } = await readBatch(ledger, map, request.batch);
    return finishWith(ledger, map, request.batch, ends, totalsOf(ends, first, { usage, repetitions }));
  }

  async function readOutputs({ everyItem = false, ...request }: ReadOutputsRequest): Promise<ReadOutputsResult> {
    const map = mapOf(request);
    const outputs: unknown[] = [];
    let chars = 0;
    for await (const row of allBatches(ledger, map, request.batch)) {
      if (chars > pageChars) return { outputs, next: row.batch };
      const ends = (await readEndsOf(ledger, map, row)).filter((end) => everyItem || isOutput(end));
      const read = ends.map((end) => (isOutput(end) ? end[0] : null));
      outputs.push(...read);
      chars += JSON.stringify(read).length;
    }
    return { outputs };
  }

  async function writeOutputs({ what, ...request }: WriteOutputsRequest): Promise<DocumentRef> {
    const map = mapOf(request);
    const texts: string[] = [];
    for await (const row of allBatches(ledger, map)) {
      const ends = await readEndsOf(ledger, map, row);
      ends.forEach((end, index) => {
        if (what === 'outputs') texts.push(isOutput(end) ? (JSON.stringify(end[0]) ?? 'null') : 'null');
        else if (!isOutput(end))
          texts.push(JSON.stringify({ item: row.first + index, error: end } satisfies ItemFailure));
      });
    }
    const bytes = Buffer.from(`[${texts.join(',\n')}]\n`);
    const { tenant, scope } = map;
    return putBlob(ledger, { tenant, scope, bytes, mediaType: 'application/json', name: `${what}.json` });
  }
}

import { Context } from '@temporalio/activity';
import { batchSizeOf, isOutput, mostItems, type StoredItems, type StoreItemsRequest } from '../../core/batches.js';
import { SegnoError } from '../../core/errors.js';
import { splitText } from '../../core/split.js';
import { type Ledger, type StoredBatch, storeBatches } from '../../ledger/index.js';
import { documentStore } from '../documentStore.js';
import { withHeartbeat } from '../heartbeat.js';
import { readDocument } from '../tools/readDocument.js';
import { allBatches, mapOf, putJsonText, readEndsOf, type StoredMap } from './batchStore.js';

/** A batch is cut before it grows beyond this, whatever its size in items. */
const largestBatchChars = 4_000_000;

/** Cuts the items of a map into batches and stores them. @throws SegnoError `Pattern.InvalidSteps`, `Document.…` */
export function createStoreItems({ ledger }: { ledger: Ledger }) {
  return async function storeItems(request: StoreItemsRequest): Promise<StoredItems> {
    return withHeartbeat(async () => {
      const map = mapOf(request);
      const { count, items } = await sourceOf(request, map);
      if (count > mostItems) {
        throw new SegnoError('Pattern.InvalidSteps', `${map.path}: ${count} items are more than ${mostItems}`);
      }
      const batches = await storeAll(map, items, batchSizeOf(count, request));
      await storeBatches(ledger, map, batches);
      return { items: count, batches: batches.length };
    });
  };

  async function sourceOf(
    { source }: StoreItemsRequest,
    map: StoredMap,
  ): Promise<{ count: number; items: Iterable<unknown> | AsyncIterable<unknown> }> {
    if ('items' in source) return { count: source.items.length, items: source.items };
    if ('document' in source) {
      const activity = Context.current();
      const { text } = await readDocument.execute(
        { document: source.document },
        {
          idempotencyKey: map.path,
          signal: activity.cancellationSignal,
          heartbeat: (details) => activity.heartbeat(details),
          deps: undefined,
          documents: documentStore(ledger, map),
          fetch,
        },
      );
      const parts = splitText(text, source.split);
      return { count: parts.length, items: parts };
    }
    const earlier = { ...map, path: source.outputsOf };
    let outputs = 0;
    for await (const { totals } of allBatches(ledger, earlier)) outputs += totals?.completed ?? 0;
    return { count: Math.ceil(outputs / source.group), items: groups(earlier, source.group) };
  }

  async function* groups(map: StoredMap, size: number): AsyncGenerator<unknown[]> {
    let group: unknown[] = [];
    for await (const batch of allBatches(ledger, map)) {
      for (const end of await readEndsOf(ledger, map, batch)) {
        if (isOutput(end)) group.push(end[0]);
        if (group.length < size) continue;
        yield group;
        group = [];
      }
    }
    if (group.length > 0) yield group;
  }

  async function storeAll(
    map: StoredMap,
    items: Iterable<unknown> | AsyncIterable<unknown>,
    batchSize: number,
  ): Promise<StoredBatch[]> {
    const batches: StoredBatch[] = [];
    let texts: string[] = [];
    let chars = 0;
    let first = 0;
    const cut = async (): Promise<void> => {
      const input = await putJsonText(ledger, map, `[${texts.join(',')}]`);
      batches.push({ batch: batches.length, first, items: texts.length, input });
      first += texts.length;
      texts = [];
      chars = 0;
    };
    for await (const item of items) {
      const text = JSON.stringify(item) ?? 'null';
      if (texts.length > 0 && chars + text.length > largestBatchChars) await cut();
      texts.push(text);
      chars += text.length;
      if (texts.length === batchSize) await cut();
    }
    if (texts.length > 0) await cut();
    return batches;
  }
}

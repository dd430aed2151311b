import { defineSignal, defineUpdate, setHandler } from '@temporalio/workflow';
import { type MapReduced, mapReduce, proxyAgents, proxyTools } from 'segno/workflow';

const { clerk } = proxyAgents<typeof import('./agents.js')>({ timeout: '10m' });
const { lookUp, bookItem, mailItem, shipItem } = proxyTools<typeof import('./tools.js')>({ timeout: '5m' });

export interface OrderResult {
  found: string;
  booked: string;
  summary: string;
  mailed: string;
}

/** One step of each kind: quick, idempotent, model, once. */
export async function order({ item }: { item: string }): Promise<OrderResult> {
  const found = await lookUp({ item });
  const booked = await bookItem({ item });
  const { summary } = await clerk({ note: `The order of ${item} was booked. It will be sent by mail.` });
  const mailed = await mailItem({ item });
  return { found: found.item, booked: booked.item, summary, mailed: mailed.item };
}

/** Fails at its last step while the warehouse is closed. */
export async function shipment({ item }: { item: string }): Promise<OrderResult & { shipped: string }> {
  const result = await order({ item });
  const shipped = await shipItem({ item }, { maxAttempts: 1 });
  return { ...result, shipped: shipped.item };
}

export const stopCounting = defineSignal('stopCounting');
export const askProgress = defineUpdate<number, []>('askProgress');

/** Quick steps, `width` at a time, until it is told to stop. */
export async function countItems({ count, width }: { count: number; width: number }): Promise<{ counted: number }> {
  let counted = 0;
  let stopped = false;
  setHandler(stopCounting, () => {
    stopped = true;
  });
  setHandler(askProgress, () => counted);
  const lane = async (): Promise<void> => {
    while (!stopped && counted < count) {
      counted += 1;
      await lookUp({ item: `item ${counted}` });
    }
  };
  await Promise.all(Array.from({ length: width }, lane));
  return { counted };
}

/** Remote steps in turn, a tool and a model, until it is cancelled. */
export async function keepWorking({ rounds }: { rounds: number }): Promise<void> {
  for (let round = 1; round <= rounds; round += 1) {
    await bookItem({ item: `item ${round}` });
    await clerk({ note: `Item ${round} was booked. It will be sent by mail.` });
  }
}

/** So many items through one tool, in batches; gives back how many it did. */
export async function mapItems({
  tool,
  count,
}: {
  tool: 'lookUp' | 'bookItem' | 'mailItem';
  count: number;
}): Promise<MapReduced<number>> {
  return mapReduce({
    items: Array.from({ length: count }, (_, index) => ({ item: `item ${index}` })),
    map: { lookUp, bookItem, mailItem }[tool],
    reduce: (items) => items.length,
    combine: (counts) => counts.reduce((sum, one) => sum + one, 0),
    onFailure: 'continue',
  });
}

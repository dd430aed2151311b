import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { defineTool, SegnoError, type ToolContext } from 'segno';
import { z } from 'zod';

type Place = Pick<ToolContext, 'idempotencyKey' | 'signal'>;

const log = (): string => process.env['EFFECTS_LOG']!;

/** One line for each thing that happened: what, for which order, under which key. */
function note(what: string, order: string, { idempotencyKey }: Place): void {
  appendFileSync(log(), `${what} ${order} ${idempotencyKey}\n`);
}

function noted(what: string, { idempotencyKey }: Place): boolean {
  return readFileSync(log(), 'utf8')
    .split('\n')
    .some((line) => line.startsWith(`${what} `) && line.endsWith(` ${idempotencyKey}`));
}

/** Only the first call under a key is held, until its worker is killed; `late` orders are held before they take effect. */
async function take(order: string, place: Place): Promise<{ receipt: string }> {
  const first = !noted('begun', place);
  note('begun', order, place);
  const hold = async (): Promise<void> => {
    while (first && !existsSync(`${log()}.open`)) await delay(20, undefined, { signal: place.signal });
  };
  if (order.startsWith('late')) await hold();
  note('effect', order, place);
  if (!order.startsWith('late')) await hold();
  return { receipt: `of ${order}` };
}

const input = z.object({ order: z.string(), card: z.string().meta({ secret: true }).optional() });
const output = z.object({ receipt: z.string() });

/** Knows what became of a call: by its key, unless the order is a blind one. */
export const charge = defineTool({
  description: 'Charges a card once.',
  ...{ input, output },
  execute: ({ order }, context) => take(order, context),
  reconcile({ order }, context) {
    note('asked', order, context);
    if (order.includes('blind')) return { status: 'unknown' };
    return noted('effect', context)
      ? { status: 'done', output: { receipt: `found for ${order}` } }
      : { status: 'notDone' };
  },
});

export const chargeOrAsk = defineTool({
  description: 'Charges a card once, and asks a person when nobody knows.',
  ...{ input, output },
  onUnknown: 'ask',
  execute: ({ order }, context) => take(order, context),
});

export const chargeLate = defineTool({
  description: 'Charges a card once; its first call does not come back in time.',
  ...{ input, output },
  timeoutMs: 50,
  onUnknown: 'ask',
  async execute({ order }, context) {
    const first = !noted('begun', context);
    note('begun', order, context);
    if (first) await delay(60_000, undefined, { signal: context.signal });
    return { receipt: `of ${order}` };
  },
});

export const chargeOrRepeat = defineTool({
  description: 'Charges a card, twice rather than never.',
  ...{ input, output },
  onUnknown: 'repeat',
  execute: ({ order }, context) => take(order, context),
});

export const chargeBlindly = defineTool({
  description: 'Charges a card once.',
  ...{ input, output },
  execute: ({ order }, context) => take(order, context),
});

/** The first try of taking it back is held, too, for orders that are `slow`; `stuck` ones cannot be taken back. */
export const book = defineTool({
  description: 'Books something that can be given back.',
  input: z.object({ order: z.string() }),
  output: z.object({ receipt: z.string() }),
  idempotent: true,
  execute({ order }, context) {
    note('effect', order, context);
    if (order.startsWith('refused')) throw new SegnoError('Tool.Failed', `no ${order} left`, { retryable: false });
    return { receipt: `of ${order}` };
  },
  async compensate({ order }, { receipt }, context) {
    if (order.startsWith('stuck')) throw new SegnoError('Tool.Failed', `${order} is gone`, { retryable: false });
    if (order.startsWith('shaky') && !noted('begun', context)) {
      note('begun', order, context);
      throw new Error('not now');
    }
    const first = !noted('undone', context);
    note('undone', receipt.replace('of ', ''), context);
    while (order.startsWith('slow') && first && !existsSync(`${log()}.open`)) {
      await delay(20, undefined, { signal: context.signal });
    }
  },
});

/** Ends when it is cancelled. */
export const wait = defineTool({
  description: 'Waits.',
  input: z.object({ order: z.string() }),
  output: z.object({}),
  idempotent: true,
  async execute({ order }, context) {
    note('begun', order, context);
    await new Promise((_, reject) => context.signal.addEventListener('abort', () => reject(new Error('cancelled'))));
    return {};
  },
});

export const notify = defineTool({
  description: 'Says something; that cannot be taken back.',
  input: z.object({ order: z.string() }),
  output: z.object({}),
  idempotent: true,
  execute({ order }, context) {
    note('said', order, context);
    return {};
  },
});

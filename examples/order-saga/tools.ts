import { defineTool, SegnoError } from 'segno';
import { z } from 'zod';
import { order } from './order.js';
import * as shop from './shop.js';

const input = z.object({ order });
const id = z.string();

export const reserveStock = defineTool({
  description: 'Puts the ordered pieces aside.',
  input,
  output: z.object({ id }),
  idempotent: true,
  execute: ({ order }, { idempotencyKey }) => ({ id: heard(shop.ask(idempotencyKey, 'reserve', order)) }),
  compensate({ order }, { id }, { idempotencyKey }) {
    heard(shop.ask(idempotencyKey, 'release', order, id));
  },
});

/** The bank is not asked to pay twice: whether a payment went through whose answer was lost, it is asked first. */
export const chargeCard = defineTool({
  description: 'Charges the card of the customer.',
  input,
  output: z.object({ id }),
  execute({ order }, { idempotencyKey }) {
    if (order.card === 'declined') throw refused(`The bank declined the card for order ${order.id}.`);
    const answer = shop.ask(idempotencyKey, 'charge', order);
    if (!answer.heard) throw new SegnoError('Tool.OutcomeUnknown', 'The bank did not answer.');
    return { id: answer.id };
  },
  reconcile(_, { idempotencyKey }) {
    const payment = shop.find(idempotencyKey);
    return payment ? { status: 'done', output: { id: payment.id } } : { status: 'notDone' };
  },
  compensate({ order }, { id }, { idempotencyKey }) {
    heard(shop.ask(idempotencyKey, 'refund', order, id));
  },
});

export const bookParcel = defineTool({
  description: 'Books a carrier. It picks up as it says, or says later when.',
  input,
  output: z.object({ id, pickup: z.string().nullable() }),
  idempotent: true,
  execute({ order }, { idempotencyKey }) {
    if (order.carrier === 'none') throw refused(`No carrier takes order ${order.id}.`);
    const id = heard(shop.ask(idempotencyKey, 'book', order));
    return { id, pickup: order.carrier === 'express' ? 'tomorrow at nine' : null };
  },
  compensate({ order }, { id }, { idempotencyKey }) {
    heard(shop.ask(idempotencyKey, 'unbook', order, id));
  },
});

/** Has no way back. */
export const mailConfirmation = defineTool({
  description: 'Mails a confirmation to the customer.',
  input: z.object({ order, text: z.string().min(1).max(5_000) }),
  output: z.object({ id }),
  idempotent: true,
  execute: ({ order }, { idempotencyKey }) => ({ id: heard(shop.ask(idempotencyKey, 'mail', order)) }),
});

/** What is thrown here has idempotent calls made again, under their key. */
function heard({ id, heard }: { id: string; heard: boolean }): string {
  if (!heard) throw new Error('the connection to the shop broke');
  return id;
}

function refused(message: string): SegnoError {
  return new SegnoError('Tool.Failed', message, { retryable: false });
}

import { proxyAgents, proxyTools, saga, waitForEvent } from 'segno/workflow';
import type { Order } from './order.js';

const { confirmationWriter } = proxyAgents<typeof import('./agents.js')>({ timeout: '5m' });
const { bookParcel, chargeCard, mailConfirmation, reserveStock } = proxyTools<typeof import('./tools.js')>();

interface Pickup {
  pickup: string;
}

export interface ConfirmedOrder extends Pickup {
  reservation: string;
  payment: string;
  parcel: string;
  confirmation: string;
}

/** Stock, payment and parcel, or none of them; the customer hears of it when all three stand. */
export async function orderSaga(order: Order): Promise<ConfirmedOrder> {
  const placed = await saga(async () => {
    const reservation = await reserveStock({ order });
    const payment = await chargeCard({ order });
    const parcel = await bookParcel({ order });
    const pickup = parcel.pickup ?? (await carrierSays(order)).pickup;
    return { reservation: reservation.id, payment: payment.id, parcel: parcel.id, pickup };
  });
  // A mail cannot be taken back: it comes last, and outside.
  const { id, product, pieces, usd } = order;
  const facts = `Order ${id}: ${pieces} × ${product}. ${usd} USD were paid. The carrier picks it up ${placed.pickup}.`;
  const { text } = await confirmationWriter({ facts });
  await mailConfirmation({ order, text });
  return { ...placed, confirmation: text };
}

function carrierSays({ id }: Order): Promise<Pickup> {
  return waitForEvent<Pickup>('pickup', { key: id, timeout: '3 days' });
}

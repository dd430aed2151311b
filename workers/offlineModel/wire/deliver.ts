import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Delivery } from './planDelivery.js';

export interface DeliverOptions {
  readonly firstDelayMs: number;
  /** Aborted when the client goes away or the server closes: no wait outlives it. */
  readonly signal: AbortSignal;
  /** How long a `hang` lasts when nobody ends it. */
  readonly maxHangMs: number;
  onHead(status: number): void;
}

/**
 * Sends a delivery over a response this function owns.
 *
 * @returns whether it went out to its end, or was broken off by its own plan; a client that went away is `gone`
 */
export async function deliver(
  outgoing: ServerResponse,
  delivery: Delivery,
  { firstDelayMs, signal, maxHangMs, onHead }: DeliverOptions,
): Promise<'ended' | 'broken' | 'gone'> {
  try {
    await pause(firstDelayMs, signal);
    if (delivery.head) {
      outgoing.writeHead(delivery.head.status, delivery.head.headers);
      if (delivery.ending === 'hang' || delivery.frameDelayMs > 0) outgoing.flushHeaders();
      onHead(delivery.head.status);
    }
    const writes = delivery.frameDelayMs > 0 ? delivery.frames : batch(delivery.frames);
    for (const [index, write] of writes.entries()) {
      if (index > 0) await pause(delivery.frameDelayMs, signal);
      signal.throwIfAborted();
      if (!outgoing.write(write)) await once(outgoing, 'drain', { signal });
    }
    if (delivery.ending === 'hang') await pause(maxHangMs, signal);
    if (delivery.ending !== 'end') {
      await breakOff(outgoing, signal);
      return 'broken';
    }
    outgoing.end();
    await once(outgoing, 'finish', { signal });
    return 'ended';
  } catch (error) {
    if (!signal.aborted) throw error;
    outgoing.destroy();
    return 'gone';
  }
}

const batchLength = 16_384;

/** Frames that follow each other at once share a write: a packet each costs a fast stream more than the frames. */
function batch(frames: readonly string[]): string[] {
  const batches: string[] = [];
  let current = '';
  for (const frame of frames) {
    current += frame;
    if (current.length < batchLength) continue;
    batches.push(current);
    current = '';
  }
  return current === '' ? batches : [...batches, current];
}

/** A client drops what it has received and not yet read when the connection breaks, so it gets a moment to read. */
const readingTimeMs = 25;

async function breakOff(outgoing: ServerResponse, signal: AbortSignal): Promise<void> {
  if (!outgoing.headersSent) {
    outgoing.socket?.resetAndDestroy();
    return;
  }
  await pause(readingTimeMs, signal);
  outgoing.destroy();
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  if (ms > 0) await delay(ms, undefined, { signal });
}

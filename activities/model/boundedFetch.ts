/**
 * The client's `fetch`, for providers that come to no end: it keeps from the SDK what would fill or stop a worker.
 *
 * Invariants:
 * 1. The SDK gets whole events of a stream, each in one piece: of one that comes in many it would read all there is at each piece.
 * 2. An event has at most {@link longestEvent} bytes, or the answer is `Model.BadResponse`.
 * 3. Of an error's body the first {@link longestErrorBody} bytes are read: the error stays what its status says.
 */
import { SegnoError } from '../../core/errors.js';

/** Far beyond a whole answer in one event, as servers send it that cannot stream. */
const longestEvent = 4_000_000;
const longestErrorBody = 256_000;

export async function boundedFetch(input: string | URL | Request, init?: RequestInit): Promise<Response> {
  const response = await fetch(input, init);
  if (!response.body) return response;
  const { status, statusText, headers } = response;
  const body = response.body.pipeThrough(response.ok ? wholeEvents() : firstBytes());
  return new Response(body, { status, statusText, headers });
}

function wholeEvents(): TransformStream<Uint8Array, Uint8Array> {
  const begun = new Bytes();
  const endsEvent = blankLines();
  return new TransformStream({
    transform(chunk, controller) {
      let end = 0;
      for (let index = 0; index < chunk.length; index += 1) {
        if (endsEvent(chunk[index]!)) end = index + 1;
      }
      if (end > 0) {
        begun.add(chunk.subarray(0, end));
        controller.enqueue(begun.take());
      }
      begun.add(chunk.subarray(end));
    },
    flush(controller) {
      const rest = begun.take();
      if (rest.length > 0) controller.enqueue(rest);
    },
  });
}

/** Told the bytes one by one, it says which of them end an event. */
function blankLines(): (byte: number) => boolean {
  let newlines = 0;
  let carriages = 0;
  return (byte) => {
    if (byte === 0x0a) newlines += 1;
    else if (byte === 0x0d) carriages += 1;
    else newlines = carriages = 0;
    return newlines > 1 || carriages > 1;
  };
}

/** What has come of an event, in a buffer that doubles: a million pieces of one byte are no million objects. */
class Bytes {
  private buffer = new Uint8Array(4_096);
  private length = 0;

  /** @throws SegnoError `Model.BadResponse` */
  add(chunk: Uint8Array): void {
    const length = this.length + chunk.length;
    if (length > longestEvent) {
      throw new SegnoError('Model.BadResponse', `an event of the stream is over ${longestEvent} bytes long`);
    }
    if (length > this.buffer.length) {
      const larger = new Uint8Array(Math.max(length, 2 * this.buffer.length));
      larger.set(this.buffer.subarray(0, this.length));
      this.buffer = larger;
    }
    this.buffer.set(chunk, this.length);
    this.length = length;
  }

  /** What there is, for the taker alone. */
  take(): Uint8Array {
    const taken = this.buffer.slice(0, this.length);
    this.length = 0;
    return taken;
  }
}

function firstBytes(): TransformStream<Uint8Array, Uint8Array> {
  let left = longestErrorBody;
  return new TransformStream({
    transform(chunk, controller) {
      controller.enqueue(chunk.subarray(0, left));
      left -= chunk.length;
      if (left <= 0) controller.terminate();
    },
  });
}

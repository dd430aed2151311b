import type { IncomingMessage } from 'node:http';

/** A body is read on for so many times its limit, unkept, so that the client gets to read the refusal. */
const maxDrainFactor = 8;

/** The request's body as text; undefined when it is over the limit. Rejects when the client goes away in the middle. */
export async function readBody(incoming: IncomingMessage, maxBytes: number): Promise<string | undefined> {
  let chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= maxBytes) chunks.push(chunk);
    else chunks = [];
    if (bytes > maxBytes * maxDrainFactor) break;
  }
  return bytes > maxBytes ? undefined : Buffer.concat(chunks).toString('utf8');
}

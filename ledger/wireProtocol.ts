/**
 * As much of PostgreSQL's wire protocol (version 3) as a server needs that hands whole exchanges to its backend.
 *
 * Invariant: a chunk from the network is copied once, when its exchange is complete, however many chunks that takes.
 */

const sslRequest = 80877103;
const gssRequest = 80877104;
const cancelRequest = 80877102;
const protocolVersion3 = 196608;
/** A larger message is a mistake, or an attack. */
const maxMessageBytes = 256 * 1024 * 1024;

/** Bytes that have arrived and have not been read. */
export class WireBuffer {
  private chunks: Buffer[] = [];
  /** Where the exchange that is being collected ends so far. */
  scanned = 0;
  length = 0;
  started = false;

  push(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.length += chunk.byteLength;
  }

  /** The bytes at an offset, joining no more than the chunks they lie in. */
  peek(offset: number, length: number): Buffer | undefined {
    if (this.length < offset + length) return undefined;
    let start = 0;
    for (const chunk of this.chunks) {
      const inside = offset - start;
      if (inside < chunk.byteLength) {
        if (inside + length <= chunk.byteLength) return chunk.subarray(inside, inside + length);
        this.chunks = [Buffer.concat(this.chunks)];
        return this.chunks[0]?.subarray(offset, offset + length);
      }
      start += chunk.byteLength;
    }
    return undefined;
  }

  take(length: number): Buffer {
    const all = this.chunks.length === 1 && this.chunks[0] ? this.chunks[0] : Buffer.concat(this.chunks);
    const rest = all.subarray(length);
    this.chunks = rest.byteLength > 0 ? [rest] : [];
    this.length -= length;
    this.scanned = 0;
    return all.subarray(0, length);
  }
}

export type Read =
  | { readonly kind: 'encryption' | 'startup' | 'close' | 'invalid' }
  | { readonly kind: 'exchange'; readonly bytes: Uint8Array; readonly open: boolean };

/** The next complete exchange: one simple query, or everything up to Sync or Flush. `undefined`: more has to arrive. */
export function readExchange(buffer: WireBuffer): Read | undefined {
  if (!buffer.started) return readStartup(buffer);
  for (;;) {
    const head = buffer.peek(buffer.scanned, 5);
    if (!head) return undefined;
    const type = String.fromCharCode(head[0] ?? 0);
    const length = head.readInt32BE(1);
    if (length < 4 || length > maxMessageBytes) return { kind: 'invalid' };
    const end = buffer.scanned + 1 + length;
    if (type === 'X') return { kind: 'close' };
    if (buffer.length < end) return undefined;
    buffer.scanned = end;
    if (type === 'Q' || type === 'S' || type === 'F' || type === 'H') {
      return { kind: 'exchange', bytes: new Uint8Array(buffer.take(end)), open: type === 'H' };
    }
  }
}

function readStartup(buffer: WireBuffer): Read | undefined {
  const head = buffer.peek(0, 8);
  if (!head) return undefined;
  const length = head.readInt32BE(0);
  const code = head.readInt32BE(4);
  if (length < 8 || length > 10_000) return { kind: 'invalid' };
  if (buffer.length < length) return undefined;
  buffer.take(length);
  if (code === sslRequest || code === gssRequest) return { kind: 'encryption' };
  // There is no second backend that could interrupt the first.
  if (code === cancelRequest) return { kind: 'close' };
  if (code >> 16 !== protocolVersion3 >> 16) return { kind: 'invalid' };
  buffer.started = true;
  return { kind: 'startup' };
}

/** "Come in": no password, the settings that clients look at, ready. */
export function startupReply(serverVersion: string): Buffer {
  const settings: Record<string, string> = {
    server_version: serverVersion,
    server_encoding: 'UTF8',
    client_encoding: 'UTF8',
    DateStyle: 'ISO, MDY',
    TimeZone: 'UTC',
    integer_datetimes: 'on',
    standard_conforming_strings: 'on',
  };
  return Buffer.concat([
    message('R', int32(0)),
    ...Object.entries(settings).map(([name, value]) => message('S', text(name), text(value))),
    message('K', int32(0), int32(0)),
    message('Z', Buffer.from('I')),
  ]);
}

export function errorMessage(severity: 'ERROR' | 'FATAL', code: string, what: string): Buffer {
  return message('E', text(`S${severity}`), text(`V${severity}`), text(`C${code}`), text(`M${what}`), Buffer.from([0]));
}

export function queryMessage(sql: string): Buffer {
  return message('Q', text(sql));
}

function message(type: string, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from(type), int32(body.byteLength + 4), body]);
}

function text(value: string): Buffer {
  return Buffer.from(`${value}\0`);
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

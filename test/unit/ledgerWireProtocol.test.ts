import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sha256Hex } from '../../ledger/hashJson.js';
import { queryMessage, readExchange, startupReply, WireBuffer } from '../../ledger/wireProtocol.js';
import type { Read } from '../../ledger/wireProtocol.js';

const startup = Buffer.from([0, 0, 0, 9, 0, 3, 0, 0, 0]);
const message = (type: string, length: number) => {
  const bytes = Buffer.alloc(5 + length, type);
  bytes.writeInt32BE(length + 4, 1);
  return bytes;
};
/** Parse, Bind, Describe, Execute, Sync, as `pg` sends them. */
const statement = (length: number) =>
  Buffer.concat([message('P', 10), message('B', length), message('D', 2), message('E', 5), message('S', 0)]);

/** Comparing tens of thousands of bytes one by one takes the matcher seconds. */
const digest = (read: Read) => (read.kind === 'exchange' && !read.open ? sha256Hex(read.bytes) : read.kind);

function readAll(chunks: readonly Uint8Array[]): Read[] {
  const buffer = new WireBuffer();
  const reads: Read[] = [];
  for (const chunk of chunks) {
    buffer.push(Buffer.from(chunk));
    for (let read = readExchange(buffer); read; read = readExchange(buffer)) {
      reads.push(read);
      if (read.kind === 'close' || read.kind === 'invalid') return reads;
    }
  }
  return reads;
}

describe('readExchange', () => {
  it('finds the same exchanges however the network cuts them', () => {
    const exchanges = [queryMessage('begin'), statement(3), statement(70_000), queryMessage('commit')];
    const stream = Buffer.concat([startup, ...exchanges]);
    fc.assert(
      fc.property(fc.array(fc.nat(stream.byteLength), { maxLength: 30 }), (cuts) => {
        const offsets = [0, ...cuts.sort((a, b) => a - b), stream.byteLength];
        const chunks = offsets.slice(1).map((end, index) => stream.subarray(offsets[index], end));
        const [first, ...rest] = readAll(chunks.filter((chunk) => chunk.byteLength > 0));
        expect(first).toEqual({ kind: 'startup' });
        expect(rest.map(digest)).toEqual(exchanges.map((bytes) => sha256Hex(bytes)));
      }),
    );
  });

  it('keeps the exchange open at Flush', () => {
    const [, read] = readAll([startup, message('P', 3), message('H', 0)]);
    expect(read).toMatchObject({ kind: 'exchange', open: true });
  });

  it('declines encryption, ends on Terminate and CancelRequest, refuses nonsense', () => {
    const request = (code: number) => {
      const bytes = Buffer.alloc(8);
      bytes.writeInt32BE(8, 0);
      bytes.writeInt32BE(code, 4);
      return bytes;
    };
    expect(readAll([request(80877103)])).toEqual([{ kind: 'encryption' }]);
    expect(readAll([request(80877102)])).toEqual([{ kind: 'close' }]);
    expect(readAll([request(1)])).toEqual([{ kind: 'invalid' }]);
    expect(readAll([Buffer.from('GET / HTTP/1.1\r\n')])).toEqual([{ kind: 'invalid' }]);
    const buffer = new WireBuffer();
    buffer.push(Buffer.concat([startup, message('X', 0)]));
    expect(readExchange(buffer)).toEqual({ kind: 'startup' });
    expect(readExchange(buffer)).toEqual({ kind: 'close' });
  });

  it('answers a startup with what `pg` looks at, and ready', () => {
    const reply = startupReply('18.1');
    expect(reply.subarray(-6)).toEqual(Buffer.from([0x5a, 0, 0, 0, 5, 0x49]));
    expect(reply.includes('client_encoding\0UTF8\0')).toBe(true);
  });
});

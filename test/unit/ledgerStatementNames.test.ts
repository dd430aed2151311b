import { describe, expect, it } from 'vitest';
import { prefixStatementNames } from '../../ledger/statementNames.js';

function message(type: string, body: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(Buffer.byteLength(body) + 4);
  return Buffer.concat([Buffer.from(type), length, Buffer.from(body)]);
}

const exchange = (...messages: Buffer[]): Uint8Array => new Uint8Array(Buffer.concat(messages));
const sync = message('S', '');

describe('names of prepared statements', () => {
  it('get the client’s prefix wherever they stand, and lengths stay right', () => {
    const { bytes, prepared } = prefixStatementNames(
      exchange(
        message('P', 's1\0select $1\0\0\0'),
        message('D', 'Ss1\0'),
        message('B', 'portal\0s1\0rest'),
        message('D', 'Pportal\0'),
        message('E', 'portal\0\0\0\0\0'),
        message('C', 'Ss1\0'),
        sync,
      ),
      'c7_',
    );
    expect(prepared).toEqual(['c7_s1']);
    expect(Buffer.from(bytes)).toEqual(
      Buffer.concat([
        message('P', 'c7_s1\0select $1\0\0\0'),
        message('D', 'Sc7_s1\0'),
        message('B', 'portal\0c7_s1\0rest'),
        message('D', 'Pportal\0'),
        message('E', 'portal\0\0\0\0\0'),
        message('C', 'Sc7_s1\0'),
        sync,
      ]),
    );
  });

  it('leave statements without a name, and simple queries, untouched', () => {
    const plain = exchange(
      message('P', '\0select 1\0\0\0'),
      message('B', '\0\0rest'),
      message('Q', 'select 2\0'),
      sync,
    );
    expect(prefixStatementNames(plain, 'c1_')).toEqual({ bytes: plain, prepared: [] });
  });
});

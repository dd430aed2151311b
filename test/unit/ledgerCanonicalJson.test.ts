import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../core/canonicalJson.js';
import { hashJson, hashText, hashToSha256Hex, sha256Hex } from '../../ledger/hashJson.js';
import { hashMessage, transcriptNode } from '../../ledger/transcripts.js';

describe('canonicalJson', () => {
  it('reads back as what JSON.stringify would have stored', () => {
    fc.assert(
      fc.property(fc.object({ withDate: true, withSparseArray: true, withBoxedValues: true }), (value) => {
        expect(JSON.parse(canonicalJson(value))).toStrictEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('does not depend on the order of keys', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const reversed = Object.fromEntries(Object.entries(value).reverse());
        expect(canonicalJson(reversed)).toBe(canonicalJson(value));
      }),
    );
  });

  it('writes nothing as null, and keeps what PostgreSQL’s jsonb would refuse', () => {
    expect(canonicalJson(undefined)).toBe('null');
    expect(JSON.parse(canonicalJson({ text: 'a\u0000b\ud800' }))).toEqual({ text: 'a\u0000b\ud800' });
  });

  it('keeps a key named __proto__', () => {
    expect(canonicalJson(JSON.parse('{"__proto__":{"b":1},"a":2}'))).toBe('{"__proto__":{"b":1},"a":2}');
  });
});

describe('hashes', () => {
  it('name the same digest for JSON and for its text as bytes', () => {
    const value = { b: [1, 2], a: 'é' };
    expect(hashJson(value)).toHaveLength(43);
    expect(hashToSha256Hex(hashJson(value))).toBe(sha256Hex(Buffer.from(canonicalJson(value))));
  });

  it('make a message depend on everything before it', () => {
    const first = transcriptNode(null, { role: 'user', content: 'a' });
    expect(first.hash).toBe(hashText('\n{"content":"a","role":"user"}'));
    expect(hashMessage(first.hash, { role: 'assistant' })).not.toBe(hashMessage(null, { role: 'assistant' }));
  });
});

import { describe, expect, test } from 'vitest';
import { SegnoError } from '../../core/errors.js';
import { claimCheckBytes } from '../../core/limits.js';
import { type BlobStore, ClaimCheckCodec } from '../../ledger/claimCheckCodec.js';

function memoryStore(): BlobStore & { kept: Map<string, { bytes: Uint8Array; scope: string }> } {
  const kept = new Map<string, { bytes: Uint8Array; scope: string }>();
  return {
    kept,
    put(bytes, scope) {
      const name = `hash-${kept.size}`;
      kept.set(name, { bytes, scope });
      return Promise.resolve(name);
    },
    get(name) {
      const found = kept.get(name);
      return found ? Promise.resolve(found.bytes) : Promise.reject(new SegnoError('Document.Missing', name));
    },
  };
}

const encoding = Buffer.from('json/plain');
const payload = (bytes: number) => ({ metadata: { encoding }, data: new Uint8Array(bytes).fill(65) });

describe('claim check', () => {
  test('a payload at the limit stays as it is', async () => {
    const store = memoryStore();
    const given = payload(claimCheckBytes);
    expect(await new ClaimCheckCodec(store).encode([given])).toEqual([given]);
    expect(store.kept.size).toBe(0);
  });

  test('a payload over the limit is kept under its workflow and comes back the same', async () => {
    const store = memoryStore();
    const codec = new ClaimCheckCodec(store);
    const given = payload(claimCheckBytes + 1);
    const [checked] = await codec.encode([given], { workflowId: 'run-1' });
    expect(checked!.data!.byteLength).toBeLessThan(100);
    expect([...store.kept.values()].map(({ scope }) => scope)).toEqual(['run-1']);
    expect(await codec.decode([checked!])).toEqual([given]);
  });

  test('a payload without data, or with the empty array protobufjs puts there, stays as it is', async () => {
    const codec = new ClaimCheckCodec(memoryStore());
    const nothing = { metadata: { encoding: Buffer.from('binary/null') } };
    const empty = { ...nothing, data: [] as unknown as Uint8Array };
    expect(await codec.encode([nothing, empty])).toEqual([nothing, empty]);
    expect(await codec.decode([nothing, empty])).toEqual([nothing, empty]);
  });

  test('a payload whose blob is gone says so', async () => {
    const store = memoryStore();
    const codec = new ClaimCheckCodec(store);
    const checked = await codec.encode([payload(claimCheckBytes + 1)]);
    store.kept.clear();
    await expect(codec.decode(checked)).rejects.toMatchObject({ type: 'Payload.Missing' });
  });
});

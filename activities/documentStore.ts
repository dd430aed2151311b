import type { DocumentStore } from '../core/tool.js';
import { getBlob, type Ledger, putBlob } from '../ledger/index.js';

/** Documents of a run, in the ledger. */
export function documentStore(ledger: Ledger, { tenant, scope }: { tenant: string; scope: string }): DocumentStore {
  return {
    async read({ sha256 }) {
      // A copy of its own, and no Buffer: libraries move such memory to other threads, and some refuse a Buffer.
      return Uint8Array.from((await getBlob(ledger, { tenant, sha256 })).bytes);
    },
    async write(bytes, mediaType, name) {
      const stored = await putBlob(ledger, { tenant, scope, bytes, mediaType, ...(name !== undefined && { name }) });
      return { sha256: stored.sha256, mediaType, bytes: bytes.byteLength, ...(name !== undefined && { name }) };
    },
  };
}

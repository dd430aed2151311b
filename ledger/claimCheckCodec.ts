import { SegnoError } from '../core/errors.js';
import { claimCheckBytes } from '../core/limits.js';
import { getBlob, putBlob } from './blobs.js';
import type { Ledger } from './openLedger.js';

/** Where large payloads go: the ledger in production, a fixture in a replay. */
export interface BlobStore {
  /** @param scope the workflow id the payload belongs to; @returns its SHA-256 */
  put(bytes: Uint8Array, scope: string): Promise<string>;
  /** @throws SegnoError `Document.Missing` */
  get(sha256: string): Promise<Uint8Array>;
}

/** Temporal's `Payload`, by shape: the ledger knows nothing of Temporal. */
interface Payload {
  metadata?: Record<string, Uint8Array> | null;
  data?: Uint8Array | null;
}

/** What the metadata of a payload that went to the ledger says of it. */
export const claimCheckEncoding = 'binary/segno-claim-check';
const encoding = Buffer.from(claimCheckEncoding);

/**
 * Claim check (Hohpe and Woolf, Enterprise Integration Patterns) as a Temporal `PayloadCodec`: a payload over 16 KB goes to
 * the ledger, and history carries the SHA-256 of its data and the name of its encoding.
 */
export class ClaimCheckCodec {
  constructor(private readonly store: BlobStore) {}

  encode(payloads: Payload[], context?: { workflowId?: string }): Promise<Payload[]> {
    return Promise.all(payloads.map((payload) => this.check(payload, context?.workflowId ?? '')));
  }

  decode(payloads: Payload[]): Promise<Payload[]> {
    return Promise.all(payloads.map((payload) => this.redeem(payload)));
  }

  private async check(payload: Payload, scope: string): Promise<Payload> {
    const { data, metadata } = payload;
    // protobufjs stands an empty array, which has no byteLength, in for data that is not there (a result of undefined).
    if (!data?.byteLength || data.byteLength <= claimCheckBytes) return payload;
    const sha256 = await this.store.put(data, scope);
    return { metadata: { encoding, of: metadata?.['encoding'] ?? new Uint8Array() }, data: Buffer.from(sha256) };
  }

  private async redeem(payload: Payload): Promise<Payload> {
    const { metadata, data } = payload;
    const ours = metadata?.['encoding'];
    if (!ours || !data || !encoding.equals(ours)) return payload;
    const sha256 = Buffer.from(data).toString('utf8');
    try {
      return { metadata: { encoding: metadata['of'] ?? new Uint8Array() }, data: await this.store.get(sha256) };
    } catch (error) {
      if (!(error instanceof SegnoError && error.type === 'Document.Missing')) throw error;
      throw new SegnoError('Payload.Missing', `the payload ${sha256} is not in the ledger`, { cause: error });
    }
  }
}

/** Large payloads in the ledger, erased with the run they belong to. */
export function ledgerBlobStore(ledger: Ledger, tenant = 'default'): BlobStore {
  return {
    async put(bytes, scope) {
      return (await putBlob(ledger, { tenant, scope, bytes, mediaType: 'application/x-temporal-payload' })).sha256;
    },
    async get(sha256) {
      return (await getBlob(ledger, { tenant, sha256 })).bytes;
    },
  };
}

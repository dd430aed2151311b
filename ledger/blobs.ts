/**
 * Bytes under their own SHA-256.
 *
 * Invariants:
 * 1. A blob belongs to a tenant and a scope: the same bytes in two scopes are two rows, so that erasing one run never
 *    takes from another. Reading asks for the tenant only.
 * 2. A blob is there as a whole or not at all: large ones travel in parts, and the row that names them comes last, only
 *    if all the parts are there.
 * 3. Storing the same bytes again changes nothing.
 */
import type { DocumentRef } from '../core/document.js';
import { SegnoError } from '../core/errors.js';
import { sha256Hex } from './hashJson.js';
import type { Ledger } from './openLedger.js';

/** Up to this size a blob is one row and one statement; also the size of a part. */
export const inlineBlobBytes = 1024 * 1024;
/** The largest blob. */
export const maxBlobBytes = 64 * 1024 * 1024;

export interface PutBlobInput {
  readonly tenant: string;
  readonly scope: string;
  readonly bytes: Uint8Array;
  readonly mediaType: string;
  /** For people; the first name under which the bytes came stays. */
  readonly name?: string | undefined;
}

/** @throws SegnoError `Document.TooLarge`, `Ledger.Unavailable` */
export async function putBlob(ledger: Ledger, input: PutBlobInput): Promise<DocumentRef> {
  const { tenant, scope, mediaType, name } = input;
  const bytes = Buffer.from(input.bytes.buffer, input.bytes.byteOffset, input.bytes.byteLength);
  if (bytes.byteLength > maxBlobBytes) {
    throw new SegnoError(
      'Document.TooLarge',
      `${bytes.byteLength} bytes are more than the ledger keeps in one piece (${maxBlobBytes}).`,
    );
  }
  const sha256 = sha256Hex(bytes);
  const ref: DocumentRef = { sha256, mediaType, bytes: bytes.byteLength, ...(name === undefined ? {} : { name }) };
  if (bytes.byteLength <= inlineBlobBytes) {
    await ledger.query(
      `insert into segno.blobs (tenant, scope, sha256, media_type, name, bytes, data) values ($1, $2, $3, $4, $5, $6, $7)
       on conflict do nothing`,
      [tenant, scope, sha256, mediaType, name ?? null, bytes.byteLength, bytes],
      { idempotent: true },
    );
    return ref;
  }
  await putParts(ledger, { tenant, scope, sha256, mediaType, name, bytes });
  return ref;
}

interface LargeBlob {
  readonly tenant: string;
  readonly scope: string;
  readonly sha256: string;
  readonly mediaType: string;
  readonly name: string | undefined;
  readonly bytes: Buffer;
}

async function putParts(ledger: Ledger, { tenant, scope, sha256, mediaType, name, bytes }: LargeBlob): Promise<void> {
  const known = await ledger.query(
    'select 1 from segno.blobs where tenant = $1 and scope = $2 and sha256 = $3',
    [tenant, scope, sha256],
    { idempotent: true },
  );
  if (known.rowCount > 0) return;
  const parts = Math.ceil(bytes.byteLength / inlineBlobBytes);
  for (let part = 0; part < parts; part += 1) {
    await ledger.query(
      'insert into segno.blob_parts (tenant, scope, sha256, part, data) values ($1, $2, $3, $4, $5) on conflict do nothing',
      [tenant, scope, sha256, part, bytes.subarray(part * inlineBlobBytes, (part + 1) * inlineBlobBytes)],
      { idempotent: true },
    );
  }
  const { rows } = await ledger.query<{ complete: boolean }>(
    `with parts as (
       select count(*) as present from segno.blob_parts where tenant = $1 and scope = $2 and sha256 = $3
     ), named as (
       insert into segno.blobs (tenant, scope, sha256, media_type, name, bytes, parts)
       select $1, $2, $3, $4, $5, $6::bigint, $7::int from parts where present = $7::int
       on conflict do nothing
     )
     select present = $7::int as complete from parts`,
    [tenant, scope, sha256, mediaType, name ?? null, bytes.byteLength, parts],
    { idempotent: true },
  );
  if (rows[0]?.complete !== true) {
    throw new SegnoError('Ledger.Unavailable', 'The run was erased while a document was being stored.');
  }
}

/** @throws SegnoError `Document.Missing`, `Ledger.Unavailable` */
export async function getBlob(
  ledger: Ledger,
  { tenant, sha256 }: { readonly tenant: string; readonly sha256: string },
): Promise<{ ref: DocumentRef; bytes: Uint8Array }> {
  const { rows } = await ledger.query<BlobRow>(
    `select scope, media_type, name, bytes, parts, data from segno.blobs where tenant = $1 and sha256 = $2
     order by created_at limit 1`,
    [tenant, sha256],
    { idempotent: true },
  );
  const row = rows[0];
  if (!row) throw missing(sha256);
  const ref: DocumentRef = {
    sha256,
    mediaType: row.media_type,
    bytes: Number(row.bytes),
    ...(row.name === null ? {} : { name: row.name }),
  };
  return { ref, bytes: row.data ?? (await getParts(ledger, tenant, sha256, row)) };
}

interface BlobRow {
  scope: string;
  media_type: string;
  name: string | null;
  bytes: string;
  parts: number;
  data: Buffer | null;
}

async function getParts(ledger: Ledger, tenant: string, sha256: string, row: BlobRow): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafe(Number(row.bytes));
  let filled = 0;
  for (let part = 0; part < row.parts; part += 1) {
    const { rows } = await ledger.query<{ data: Buffer }>(
      'select data from segno.blob_parts where tenant = $1 and scope = $2 and sha256 = $3 and part = $4',
      [tenant, row.scope, sha256, part],
      { idempotent: true },
    );
    const data = rows[0]?.data;
    if (!data) throw missing(sha256);
    filled += data.copy(bytes, filled);
  }
  if (filled !== bytes.byteLength) throw missing(sha256);
  return bytes;
}

function missing(sha256: string): SegnoError {
  return new SegnoError('Document.Missing', `No document is stored under ${sha256}.`, { details: { sha256 } });
}

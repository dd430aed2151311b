/**
 * What a model has seen and said, as a chain of messages, each under the hash of itself and everything before it.
 *
 * Invariants:
 * 1. A node's hash is SHA-256 of its parent's hash, a line feed, and the message's canonical JSON: a head names the whole
 *    conversation, and a fork is a new message on an old hash.
 * 2. A node's content stands in it, or in a blob of canonical JSON under `contentHash`; the hash is the same either way.
 * 3. Nodes never change; appending one that is there does nothing.
 */
import { canonicalJson } from '../core/canonicalJson.js';
import { SegnoError } from '../core/errors.js';
import { getBlob } from './blobs.js';
import { hashText } from './hashJson.js';
import type { Ledger, SqlValue } from './openLedger.js';

export interface TranscriptNode {
  /** {@link hashMessage} of parent and message. */
  readonly hash: string;
  /** `null` for the first message. */
  readonly parent: string | null;
  /** The message, JSON; left out when `contentHash` says where it is. */
  readonly message?: unknown;
  /** SHA-256 (hexadecimal) of the blob that holds the message's canonical JSON. */
  readonly contentHash?: string | undefined;
}

export function hashMessage(parent: string | null, message: unknown): string {
  return hashText(`${parent ?? ''}\n${canonicalJson(message)}`);
}

/** A node that carries its message. */
export function transcriptNode(parent: string | null, message: unknown): TranscriptNode {
  return { hash: hashMessage(parent, message), parent, message };
}

/** @throws SegnoError `Ledger.Unavailable` */
export async function appendNodes(
  ledger: Ledger,
  input: { readonly tenant: string; readonly scope: string; readonly nodes: readonly TranscriptNode[] },
): Promise<void> {
  if (input.nodes.length === 0) return;
  await ledger.query(
    `insert into segno.nodes (tenant, scope, hash, parent, message, content_hash)
     select $1, $2, n.hash, n.parent, n.message, n.content_hash
     from unnest($3::text[], $4::text[], $5::text[], $6::text[]) as n (hash, parent, message, content_hash)
     order by n.hash on conflict do nothing`,
    [input.tenant, input.scope, ...nodeArrays(input.nodes)],
    { idempotent: true },
  );
}

/** One array a column: hash, parent, message, content_hash. Written in the order of the hash, so that writers never deadlock. */
export function nodeArrays(nodes: readonly TranscriptNode[]): SqlValue[] {
  return [
    nodes.map((node) => node.hash),
    nodes.map((node) => node.parent),
    nodes.map((node) => (node.contentHash === undefined ? canonicalJson(node.message) : null)),
    nodes.map((node) => node.contentHash ?? null),
  ];
}

interface NodeRow {
  hash: string;
  parent: string | null;
  message: string | null;
  content_hash: string | null;
  content: Buffer | null;
}

/**
 * The messages from the first to `head`.
 *
 * @throws SegnoError `Payload.Missing` when the head, or a message before it, is not in the ledger
 */
export async function loadTranscript(
  ledger: Ledger,
  { tenant, head }: { readonly tenant: string; readonly head: string },
): Promise<unknown[]> {
  // The same node may stand in several scopes; any of them will do.
  const { rows } = await ledger.query<NodeRow>(
    `with recursive chain as (
       (select hash, parent, message, content_hash, 1 as depth from segno.nodes where tenant = $1 and hash = $2 limit 1)
       union all
       select n.hash, n.parent, n.message, n.content_hash, c.depth + 1
       from chain c cross join lateral (
         select hash, parent, message, content_hash from segno.nodes where tenant = $1 and hash = c.parent limit 1
       ) n
     )
     select c.hash, c.parent, c.message, c.content_hash,
       (select b.data from segno.blobs b where b.tenant = $1 and b.sha256 = c.content_hash limit 1) as content
     from chain c order by c.depth desc`,
    [tenant, head],
    { idempotent: true },
  );
  const root = rows[0];
  if (!root) throw missing(head);
  if (root.parent !== null) throw missing(root.parent);
  const messages: unknown[] = [];
  for (const row of rows) messages.push(JSON.parse(await contentOf(ledger, tenant, row)));
  return messages;
}

async function contentOf(ledger: Ledger, tenant: string, row: NodeRow): Promise<string> {
  if (row.message !== null) return row.message;
  if (row.content) return row.content.toString('utf8');
  try {
    const { bytes } = await getBlob(ledger, { tenant, sha256: row.content_hash ?? '' });
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  } catch (error) {
    if (error instanceof SegnoError && error.type === 'Document.Missing') throw missing(row.hash);
    throw error;
  }
}

function missing(hash: string): SegnoError {
  return new SegnoError('Payload.Missing', `The transcript’s message ${hash} is not in the ledger.`, {
    details: { hash },
  });
}

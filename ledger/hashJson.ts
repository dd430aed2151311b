/** Content addresses. JSON: SHA-256 of the canonical text, base64url, 43 characters. Bytes: SHA-256, lower-case hexadecimal. */
import { createHash } from 'node:crypto';
import { canonicalJson } from '../core/canonicalJson.js';

export function hashJson(value: unknown): string {
  return hashText(canonicalJson(value));
}

export function hashText(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('base64url');
}

export function sha256Hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** The same digest in the other notation: how a result's hash names the blob that holds its text. */
export function hashToSha256Hex(hash: string): string {
  return Buffer.from(hash, 'base64url').toString('hex');
}

import { canonicalJson } from '../../core/canonicalJson.js';
import { getBlob, putBlob } from '../blobs.js';
import { sha256Hex } from '../hashJson.js';
import type { Ledger } from '../openLedger.js';
import { inlineResultBytes } from './settleStep.js';
import type { EffectInput } from './stepTypes.js';

/** @param input JSON without secrets */
export async function keepInput(
  ledger: Ledger,
  { tenant, scope }: { readonly tenant: string; readonly scope: string },
  input: unknown,
): Promise<EffectInput> {
  const text = canonicalJson(input);
  const bytes = Buffer.from(text);
  const kept = { sha256: sha256Hex(bytes), bytes: bytes.byteLength };
  if (kept.bytes <= inlineResultBytes) return { text, ...kept };
  await putBlob(ledger, { tenant, scope, bytes, mediaType: 'application/json' });
  return { text: null, ...kept };
}

/** @throws SegnoError `Document.Missing` when a large one was erased */
export async function readInput(
  ledger: Ledger,
  tenant: string,
  { text, sha256 }: Pick<EffectInput, 'text' | 'sha256'>,
): Promise<unknown> {
  const json = text ?? Buffer.from((await getBlob(ledger, { tenant, sha256 })).bytes).toString('utf8');
  return JSON.parse(json) as unknown;
}

/**
 * The `fetch` a tool is given: HTTP with the call's idempotency key, its abort signal, and failures of Segno's types.
 *
 * Invariants:
 * 1. A request that may change something carries `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header), the same in every
 *    attempt: the first one of a call its key, those after it the key with their number, in the order of the calls.
 * 2. It sends once. Whether a failed call is made again is the step's business.
 * 3. No failure names the query of an address, where secrets stand.
 */
import { SegnoError } from '../../core/errors.js';
import { sha256Hex } from '../../ledger/index.js';
import { retryAfterMs } from '../model/classify.js';

export interface ToolFetchOptions {
  idempotencyKey: string;
  signal: AbortSignal;
}

const safeMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);
/** Common services take keys of up to 255 characters. */
const longestKey = 255;
const longestExcerpt = 300;

export function createToolFetch({ idempotencyKey, signal }: ToolFetchOptions): typeof fetch {
  let changing = 0;
  return async (resource, init) => {
    const given = new Request(resource, init);
    const { method, headers } = given;
    const mayChange = !safeMethods.has(method);
    if (mayChange) {
      changing += 1;
      const key = changing === 1 ? idempotencyKey : `${idempotencyKey}#${changing}`;
      if (!headers.has('idempotency-key')) headers.set('idempotency-key', structuredString(key));
    }
    const { origin, pathname } = new URL(given.url);
    const what = `${method} ${origin}${pathname}`;
    const request = new Request(given, { signal: AbortSignal.any([signal, given.signal]) });
    let response: Response;
    try {
      response = await fetch(request);
    } catch (error) {
      if (request.signal.aborted) throw error;
      const details = { method, mayChange };
      throw new SegnoError('Tool.Unavailable', `${what}: ${causeOf(error)}`, { details, cause: error });
    }
    if (response.ok) return response;
    throw await failureOf(what, response, { method, mayChange, status: response.status });
  };
}

/** A string of RFC 9651, which is printable ASCII: what is not is percent-encoded, and a long one is its hash. */
function structuredString(key: string): string {
  const ascii = key.replace(/[^ -~]+/g, percentEncoded);
  const short = ascii.length <= longestKey ? ascii : sha256Hex(Buffer.from(key));
  return `"${short.replace(/["\\]/g, '\\$&')}"`;
}

function percentEncoded(text: string): string {
  return [...Buffer.from(text)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
}

async function failureOf(what: string, response: Response, details: Record<string, unknown>): Promise<SegnoError> {
  const { status, headers } = response;
  const waitMs = retryAfterMs(headers);
  const excerpt = (await response.text().catch(() => '')).slice(0, longestExcerpt).trim();
  const message = `${what} answered ${status}${excerpt && `: ${excerpt}`}`;
  const more = { details, ...(waitMs !== undefined && { retryAfterMs: waitMs }) };
  if (status >= 500) return new SegnoError('Tool.Unavailable', message, more);
  if (status === 429) return new SegnoError('Tool.RateLimited', message, more);
  // Whoever says when to come again (a request under the same key is still being processed: 409) means it.
  return new SegnoError('Tool.Refused', message, { ...more, retryable: waitMs !== undefined });
}

/** The system's own name for what happened, which `fetch` hides in a cause. */
function causeOf(error: unknown): string {
  for (let current = error; current instanceof Error; current = current.cause) {
    const { code } = current as { code?: unknown };
    if (typeof code === 'string') return code;
  }
  return error instanceof Error ? error.message : String(error);
}

import { APIConnectionError, APIConnectionTimeoutError, APIError, APIUserAbortError } from 'openai';
import type { FallbackReason } from '../../core/config.js';
import { SegnoError, type ErrorType } from '../../core/errors.js';

/**
 * The one place that turns what a provider (or the way to it) did wrong into a registered error type.
 *
 * Invariants:
 * 1. Every status has one type; retryable or not stands in the registry, not here.
 * 2. No message carries the API key, whatever the provider echoes.
 */
const byStatus: Record<number, ErrorType> = {
  400: 'Model.BadRequest',
  401: 'Model.Unauthorized',
  402: 'Model.QuotaExceeded',
  403: 'Model.Forbidden',
  404: 'Model.NotFound',
  408: 'Model.Timeout',
  409: 'Model.Conflict',
  413: 'Model.TooLarge',
  422: 'Model.Unprocessable',
  429: 'Model.RateLimited',
};

/** Codes of the OpenAI wire that say more than the status does, also inside a stream, where there is no status. */
const byCode: Record<string, ErrorType> = {
  insufficient_quota: 'Model.QuotaExceeded',
  billing_hard_limit_reached: 'Model.QuotaExceeded',
  context_length_exceeded: 'Model.TooLarge',
  string_above_max_length: 'Model.TooLarge',
  content_filter: 'Model.ContentFiltered',
  content_policy_violation: 'Model.ContentFiltered',
  rate_limit_exceeded: 'Model.RateLimited',
  invalid_api_key: 'Model.Unauthorized',
  model_not_found: 'Model.NotFound',
  server_error: 'Model.ServerError',
};

/** The longest a provider may make us wait before the next attempt; a larger Retry-After is cut to it. */
const longestRetryAfterMs = 60 * 60_000;
const messageLimit = 500;

/** @param secrets what a provider may echo and nobody may read: the API key, the values of configured headers */
export function classifyModelError(error: unknown, secrets: readonly string[] = []): SegnoError {
  if (error instanceof SegnoError) return error;
  const make = (type: ErrorType, text: string, retryAfterMs?: number): SegnoError =>
    new SegnoError(type, clean(text, secrets), { ...(retryAfterMs !== undefined && { retryAfterMs }) });

  if (error instanceof APIConnectionTimeoutError) return make('Model.Timeout', 'the provider did not answer in time');
  if (error instanceof APIUserAbortError) return make('Model.Timeout', 'the call was aborted');
  if (error instanceof APIConnectionError) {
    return make('Model.Unreachable', `no connection to the provider: ${causeOf(error)}`);
  }
  if (error instanceof APIError) {
    // After a status the headers are the error's own; inside a stream they are those of an answer that had begun well.
    const retryAfter = error.status === undefined ? undefined : retryAfterMs(error.headers);
    return make(typeOf(error), error.message, retryAfter);
  }
  if (error instanceof SyntaxError)
    return make('Model.BadResponse', `the provider’s answer is not JSON: ${error.message}`);
  return make('Model.StreamBroken', `the provider’s stream broke: ${causeOf(error)}`);
}

function typeOf(error: APIError): ErrorType {
  // Some compatible providers put a status where OpenAI's wire has a name.
  const code: unknown = error.code;
  const named = [code, error.type].find(
    (name): name is string => typeof name === 'string' && Object.hasOwn(byCode, name),
  );
  if (named !== undefined) return byCode[named]!;
  const status = error.status ?? (typeof code === 'number' ? code : undefined);
  if (status === undefined) return 'Model.ServerError';
  return byStatus[status] ?? (status >= 500 ? 'Model.ServerError' : 'Model.BadRequest');
}

/** Failures of the way to the provider after which certainly no byte of the request has reached it. */
const beforeTheWire: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** Whether a failed call has cost nothing: it never left, or was answered with an error status, for which nobody charges. */
export function costNothing(error: unknown): boolean {
  return (error instanceof APIError && error.status !== undefined) || neverLeft(error);
}

/** Whether the request certainly did not reach the provider. */
export function neverLeft(error: unknown): boolean {
  return error instanceof APIConnectionError && beforeTheWire.has(codeOf(error) ?? '');
}

/** What an error says of the provider's health, and to which kind of fallback it leads. */
const outages: ReadonlySet<ErrorType> = new Set([
  'Model.ServerError',
  'Model.Timeout',
  'Model.Unreachable',
  'Model.StreamBroken',
  'Model.BadResponse',
]);
const refusals: ReadonlySet<ErrorType> = new Set(['Model.ContentFiltered', 'Model.Refused', 'Model.TooLarge']);

export function isOutage(type: ErrorType): boolean {
  return outages.has(type);
}

export function fallbackReason(type: ErrorType): FallbackReason | undefined {
  if (outages.has(type)) return 'outage';
  if (refusals.has(type)) return 'content';
  return type === 'Model.RateLimited' || type === 'Model.QuotaExceeded' ? 'rateLimit' : undefined;
}

/** What the provider says is left of the minute, in the headers of OpenAI's wire. */
export function remainingOf(headers: Headers | undefined): { requests?: number; tokens?: number } {
  const left = (name: string): number | undefined => {
    const value = headers?.get(`x-ratelimit-remaining-${name}`) ?? '';
    return /^\d{1,12}$/.test(value) ? Number(value) : undefined;
  };
  const [requests, tokens] = [left('requests'), left('tokens')];
  return { ...(requests !== undefined && { requests }), ...(tokens !== undefined && { tokens }) };
}

/** `Retry-After` in seconds or as an HTTP date (RFC 9110, 10.2.3), or the finer `retry-after-ms` some providers send. */
export function retryAfterMs(headers: Headers | undefined, nowMs = Date.now()): number | undefined {
  const precise = Number(headers?.get('retry-after-ms') ?? Number.NaN);
  if (Number.isFinite(precise) && precise >= 0) return Math.min(precise, longestRetryAfterMs);
  const value = headers?.get('retry-after');
  if (!value) return undefined;
  const seconds = Number(value);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(value) - nowMs;
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), longestRetryAfterMs) : undefined;
}

function causeOf(error: unknown): string {
  return codeOf(error) ?? (error instanceof Error ? error.message : String(error));
}

/** The system's own name for what happened, under however many wrappers. */
function codeOf(error: unknown): string | undefined {
  for (let current = error; current instanceof Error; current = current.cause) {
    const { code } = current as { code?: unknown };
    if (typeof code === 'string') return code;
  }
  return undefined;
}

function clean(text: string, secrets: readonly string[]): string {
  const safe = secrets.reduce((shown, secret) => shown.replaceAll(secret, '[api key]'), text);
  return safe.replace(/\bsk-[\w*-]{4,}/g, '[api key]').slice(0, messageLimit);
}

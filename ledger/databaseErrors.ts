/**
 * What a failure of `pg` says about the statement that met it.
 *
 * Invariant: `notApplied` is only said of statements that certainly left no trace.
 */
import { SegnoError } from '../core/errors.js';

export type DatabaseFailure =
  /** Never reached the database, or was rolled back by it: safe to repeat. */
  | { readonly kind: 'notApplied' }
  /** The connection was lost on the way: applied or not, nobody knows. */
  | { readonly kind: 'lost' }
  /** The database cannot be used as it is configured: repeating does not help. */
  | { readonly kind: 'refused' }
  /** The database answered with an error of its own. */
  | { readonly kind: 'other' };

const refusedCodes = new Set(['28000', '28P01', '3D000']);
/** Serialization failure, deadlock: the database has rolled the statement back. */
const rolledBackCodes = new Set(['40001', '40P01']);
const notReadyCodes = new Set(['57P03', '53300']);
const neverSentMessages = [
  'Client was closed and is not queryable',
  'Client has encountered a connection error and is not queryable',
];
const lostMessages = [
  'Connection terminated',
  'Connection terminated unexpectedly',
  'Query read timeout',
  'timeout exceeded when trying to connect',
  'timeout expired',
  'Connection terminated due to connection timeout',
  'Cannot use a pool after calling end on the pool',
];

export function classifyDatabaseError(error: unknown, stage: 'connecting' | 'sent'): DatabaseFailure {
  const code = errorCode(error);
  const message = error instanceof Error ? error.message : '';
  if (refusedCodes.has(code)) return { kind: 'refused' };
  if (rolledBackCodes.has(code) || notReadyCodes.has(code)) return { kind: 'notApplied' };
  if (stage === 'connecting') return { kind: 'notApplied' };
  if (neverSentMessages.includes(message)) return { kind: 'notApplied' };
  if (isLost(code) || lostMessages.includes(message)) return { kind: 'lost' };
  return { kind: 'other' };
}

/**
 * Only the code goes into the message: `pg` and Node put addresses, and in one case the whole configuration, into theirs.
 * The error itself is not kept as `cause` for the same reason.
 */
export function unavailable(error: unknown): SegnoError {
  if (error instanceof SegnoError) return error;
  const code = errorCode(error);
  const refused = refusedCodes.has(code);
  const reason = refused
    ? 'it refused the user, the password or the database’s name'
    : code ||
      (error instanceof Error
        ? (lostMessages.find((known) => known === error.message) ?? 'no connection')
        : 'no connection');
  return new SegnoError('Ledger.Unavailable', `The ledger’s database cannot be used: ${reason}.`, {
    ...(refused ? { retryable: false } : {}),
    ...(code ? { details: { code } } : {}),
  });
}

function isLost(code: string): boolean {
  // 08: connection exceptions, 53: out of resources, 57P: shut down by an operator, 58: system errors; E…: sockets.
  return /^(08|53|58)/.test(code) || code.startsWith('57P') || /^E[A-Z]{3,}/.test(code);
}

function errorCode(error: unknown): string {
  if (typeof error !== 'object' || error === null) return '';
  if ('code' in error && typeof error.code === 'string') return error.code;
  // Node tries IPv4 and IPv6 and reports both failures in one.
  if (error instanceof AggregateError) return errorCode(error.errors[0]);
  return '';
}

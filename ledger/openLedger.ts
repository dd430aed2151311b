/**
 * The connection to the ledger's database.
 *
 * Invariants:
 * 1. A lost connection is `Ledger.Unavailable` and nothing else; the pool connects again by itself.
 * 2. A statement is repeated only when it cannot have been applied (it never left, or the database rolled it back), or
 *    when its caller says that applying it twice is the same as once.
 * 3. No session state but prepared statements, which PGlite's server keeps apart: no LISTEN, no session locks, since PGlite
 *    serves all clients on one backend.
 * 4. The connection string is in no error, message or log.
 */
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { SegnoError } from '../core/errors.js';
import { classifyDatabaseError, unavailable } from './databaseErrors.js';

export type SqlValue =
  string | number | bigint | boolean | Date | Buffer | null | readonly (string | number | Buffer | null)[];

export interface QueryOptions {
  /** Applying the statement twice is the same as once: it may be repeated when its answer was lost. */
  readonly idempotent?: boolean;
}

export interface Rows<Row> {
  readonly rows: Row[];
  readonly rowCount: number;
}

export interface Queryable {
  query<Row = Record<string, unknown>>(text: string, values?: readonly SqlValue[]): Promise<Rows<Row>>;
}

export interface Ledger {
  /** @throws SegnoError `Ledger.Unavailable`; what else the database refuses comes as `pg`'s own error */
  query<Row = Record<string, unknown>>(
    text: string,
    values?: readonly SqlValue[],
    options?: QueryOptions,
  ): Promise<Rows<Row>>;
  /** Keep it short: on PGlite every other client waits until it ends. Never repeated. */
  transaction<T>(work: (transaction: Queryable) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export interface OpenLedgerOptions {
  readonly connectionString: string;
  /** Default 8. */
  readonly maxConnections?: number | undefined;
  /** How long to wait for a connection. Default 5,000. */
  readonly connectTimeoutMs?: number | undefined;
  /** After how long a silent database counts as lost. Default 60,000. */
  readonly queryTimeoutMs?: number | undefined;
}

/** Waits before the next try of a repeatable statement: about a second and a half, a restart of the embedded ledger. */
const retryDelaysMs = [20, 60, 150, 400, 900];

/** Connects once before it returns. @throws SegnoError `Config.Invalid`, `Ledger.Unavailable` */
export async function openLedger(options: OpenLedgerOptions): Promise<Ledger> {
  const pool = new pg.Pool({
    connectionString: checkedUrl(options.connectionString),
    max: options.maxConnections ?? 8,
    connectionTimeoutMillis: options.connectTimeoutMs ?? 5_000,
    query_timeout: options.queryTimeoutMs ?? 60_000,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    allowExitOnIdle: true,
    application_name: 'segno',
  });
  // An idle connection that dies is dropped by the pool; without a listener it would end the process.
  pool.on('error', () => undefined);
  const ledger = createLedger(pool);
  try {
    await ledger.query('select 1', [], { idempotent: true });
  } catch (error) {
    await ledger.close();
    throw error;
  }
  return ledger;
}

function createLedger(pool: pg.Pool): Ledger {
  let closing: Promise<void> | undefined;
  const names = new StatementNames();
  return {
    async query<Row>(text: string, values: readonly SqlValue[] = [], { idempotent = false }: QueryOptions = {}) {
      for (let retry = 0; ; retry += 1) {
        const outcome = await attemptQuery<Row>(pool, text, values, names);
        if (!('error' in outcome)) return outcome;
        const { failure, error } = outcome;
        if (retry < retryDelaysMs.length && names.lostBy(error)) continue;
        const repeatable = failure.kind === 'notApplied' || (failure.kind === 'lost' && idempotent);
        const delayMs = retryDelaysMs[retry];
        if (!repeatable || delayMs === undefined || closing)
          throw failure.kind === 'other' ? error : unavailable(error);
        await delay(delayMs);
      }
    },
    transaction: (work) => runTransaction(pool, work),
    close: () => (closing ??= pool.end()),
  };
}

type QueryFailure = { error: unknown; failure: ReturnType<typeof classifyDatabaseError> };

async function attemptQuery<Row>(
  pool: pg.Pool,
  text: string,
  values: readonly SqlValue[],
  names: StatementNames,
): Promise<Rows<Row> | QueryFailure> {
  let client: pg.PoolClient;
  try {
    client = await pool.connect();
  } catch (error) {
    return { error, failure: classifyDatabaseError(error, 'connecting') };
  }
  const guard = guardClient(client);
  try {
    const name = names.nameOf(text);
    const result = await client.query({ text, values: values as unknown[], ...(name !== undefined && { name }) });
    guard.release();
    return { rows: result.rows as Row[], rowCount: result.rowCount ?? 0 };
  } catch (error) {
    const failure = classifyDatabaseError(error, 'sent');
    guard.release(failure.kind !== 'other');
    return { error, failure };
  }
}

/** Statements kept prepared on each connection; there are some dozens, and a program that makes up more gets plain ones. */
const preparedLimit = 200;

/**
 * Names for prepared statements, by their text: parsing and planning cost as much as most of the ledger's statements.
 * Behind a pooler that gives every statement another session (PgBouncer in transaction mode, unless its
 * max_prepared_statements is set) names get lost; then there are none from the first loss on.
 */
class StatementNames {
  private readonly names = new Map<string, string>();
  private usable = true;

  nameOf(text: string): string | undefined {
    if (!this.usable) return undefined;
    const known = this.names.get(text);
    if (known !== undefined || this.names.size >= preparedLimit) return known;
    const name = `s${this.names.size}`;
    this.names.set(text, name);
    return name;
  }

  /** Whether the statement failed, unexecuted, because its name was unknown to the session or taken there. */
  lostBy(error: unknown): boolean {
    const { code } = error as { code?: unknown };
    if (code !== '26000' && code !== '42P05') return false;
    // Statements beside the first one that lost its name were on their way with theirs.
    this.usable = false;
    return true;
  }
}

async function runTransaction<T>(pool: pg.Pool, work: (transaction: Queryable) => Promise<T>): Promise<T> {
  const client = await beginTransaction(pool);
  const guard = guardClient(client);
  try {
    const value = await work({
      async query<Row>(text: string, values: readonly SqlValue[] = []) {
        const result = await client.query(text, values as unknown[]);
        return { rows: result.rows as Row[], rowCount: result.rowCount ?? 0 };
      },
    });
    await client.query('commit');
    guard.release();
    return value;
  } catch (error) {
    const rolledBack = await client.query('rollback').then(
      () => true,
      () => false,
    );
    guard.release(!rolledBack);
    throw isDatabaseLoss(error) ? unavailable(error) : error;
  }
}

/** Nothing has happened yet when `begin` fails, so a dead connection from the pool is simply replaced by another. */
async function beginTransaction(pool: pg.Pool): Promise<pg.PoolClient> {
  for (let retry = 0; ; retry += 1) {
    let client: pg.PoolClient | undefined;
    try {
      client = await pool.connect();
      const guard = guardClient(client);
      await client.query('begin').finally(() => guard.stop());
      return client;
    } catch (error) {
      client?.release(true);
      const delayMs = retryDelaysMs[retry];
      if (!isDatabaseLoss(error)) throw error;
      if (delayMs === undefined) throw unavailable(error);
      await delay(delayMs);
    }
  }
}

/** A borrowed connection has no listener of the pool's; its death must not end the process. */
function guardClient(client: pg.PoolClient): { release(destroy?: boolean): void; stop(): void } {
  const ignore = () => undefined;
  client.on('error', ignore);
  const stop = () => client.off('error', ignore);
  return {
    stop,
    release(destroy = false) {
      // A destroyed connection may still report an error while it goes down.
      if (!destroy) stop();
      client.release(destroy);
    },
  };
}

function isDatabaseLoss(error: unknown): boolean {
  return !(error instanceof SegnoError) && classifyDatabaseError(error, 'sent').kind !== 'other';
}

function checkedUrl(connectionString: string): string {
  let protocol: string;
  try {
    protocol = new URL(connectionString).protocol;
  } catch {
    throw new SegnoError(
      'Config.Invalid',
      'The ledger’s address is not a URL. It should look like postgres://user:password@host:5432/database.',
    );
  }
  if (protocol !== 'postgres:' && protocol !== 'postgresql:') {
    throw new SegnoError(
      'Config.Invalid',
      `The ledger’s address starts with ${protocol} and should start with postgres:.`,
    );
  }
  return connectionString;
}

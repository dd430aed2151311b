/**
 * Brings the ledger's schema to what this code needs: its tables from version to version, its functions anew.
 *
 * Invariants:
 * 1. All that a ledger lacks, and the record of it, is one transaction: there is no half-migrated ledger.
 * 2. Any number of processes may migrate at once; each migration runs once.
 * 3. A ledger newer than the code is left alone. So functions change only with a version, also where no table does.
 */
import { SegnoError } from '../core/errors.js';
import { functions } from './functions/index.js';
import { migration001 } from './migrations/migration001.js';
import { migration002 } from './migrations/migration002.js';
import { migration003 } from './migrations/migration003.js';
import { migration004 } from './migrations/migration004.js';
import { migration005 } from './migrations/migration005.js';
import { migration006 } from './migrations/migration006.js';
import { migration007 } from './migrations/migration007.js';
import { migration008 } from './migrations/migration008.js';
import { migration009 } from './migrations/migration009.js';
import { migration010 } from './migrations/migration010.js';
import { migration011 } from './migrations/migration011.js';
import { migration013 } from './migrations/migration013.js';
import type { Ledger, Queryable } from './openLedger.js';

interface Migration {
  readonly version: number;
  /** Of the tables. Without it the version is of the functions alone. */
  readonly sql?: string;
}

/** Append only: a migration that has been released never changes. */
const migrations: readonly Migration[] = [
  { version: 1, sql: migration001 },
  { version: 2, sql: migration002 },
  { version: 3, sql: migration003 },
  { version: 4, sql: migration004 },
  { version: 5, sql: migration005 },
  { version: 6, sql: migration006 },
  { version: 7, sql: migration007 },
  { version: 8, sql: migration008 },
  { version: 9, sql: migration009 },
  { version: 10, sql: migration010 },
  { version: 11, sql: migration011 },
  { version: 12 },
  { version: 13, sql: migration013 },
];

/** The version this code works with. */
export const ledgerVersion = migrations.length;

/** Any constant does; it only has to be the same for all migrators. */
const migrationLock = 7_355_608;

/** @throws SegnoError `Ledger.Incompatible`, `Ledger.Unavailable` */
export async function migrateLedger(ledger: Ledger): Promise<{ from: number; to: number }> {
  return ledger.transaction(async (transaction) => {
    await transaction.query('select pg_advisory_xact_lock($1)', [migrationLock]);
    await transaction.query('create schema if not exists segno');
    await transaction.query(
      'create table if not exists segno.migrations (version integer primary key, applied_at timestamptz not null default now())',
    );
    const from = await currentVersion(transaction);
    if (from > ledgerVersion) throw tooNew(from);
    for (const { version, sql } of migrations) {
      if (version <= from) continue;
      if (sql !== undefined) await transaction.query(sql);
      await transaction.query('insert into segno.migrations (version) values ($1)', [version]);
    }
    if (from < ledgerVersion) await transaction.query(functions);
    return { from, to: ledgerVersion };
  });
}

async function currentVersion(transaction: Queryable): Promise<number> {
  const { rows } = await transaction.query<{ version: number }>(
    'select coalesce(max(version), 0) as version from segno.migrations',
  );
  return rows[0]?.version ?? 0;
}

function tooNew(version: number): SegnoError {
  return new SegnoError(
    'Ledger.Incompatible',
    `The ledger has schema version ${version}, and this Segno knows versions up to ${ledgerVersion}. Update Segno on this machine.`,
    { details: { ledger: version, code: ledgerVersion } },
  );
}

import { randomBytes } from 'node:crypto';
import type { Ledger } from './openLedger.js';

/**
 * A random value that all workers of a ledger share and nobody else knows, made by whoever asks first. It leaves the ledger only as
 * a key that other values are derived from.
 *
 * @throws SegnoError `Ledger.Unavailable`
 */
export async function ledgerSecret(ledger: Ledger, name: string): Promise<string> {
  const known = await read(ledger, name);
  if (known !== undefined) return known;
  await ledger.query(
    'insert into segno.secrets (name, value) values ($1, $2) on conflict do nothing',
    [name, randomBytes(32).toString('hex')],
    { idempotent: true },
  );
  return (await read(ledger, name))!;
}

async function read(ledger: Ledger, name: string): Promise<string | undefined> {
  const { rows } = await ledger.query<{ value: string }>('select value from segno.secrets where name = $1', [name], {
    idempotent: true,
  });
  return rows[0]?.value;
}

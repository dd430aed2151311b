import type { Ledger } from '../openLedger.js';

/** Leases looked at in one go; the next go comes soon. */
const atOnce = 100;

/**
 * Counts calls as spent at their upper bound whose lease has run out, or whose worker is dead: nobody knows what became of them. Their usage, should it
 * come after all, replaces it. Each in a transaction of its own, so that no two workers wait for each other's budgets.
 *
 * @returns how many it has found due
 */
export async function expireLeases(ledger: Ledger): Promise<number> {
  const { rows } = await ledger.query<{ step_key: string; epoch: number; due: boolean }>(
    `select l.step_key, l.epoch, l.lease_until <= now() as due from segno.leases l
     where l.state = 'open' and (l.lease_until <= now() or exists (
       select 1 from segno.attempts a join segno.workers w on w.instance = a.owner
       where a.step_key = l.step_key and a.epoch = l.epoch and w.state <> 'active'))
     order by l.lease_until limit ${atOnce}`,
    [],
    { idempotent: true },
  );
  let expired = 0;
  for (const { step_key: key, epoch, due } of rows) {
    if (await expireLease(ledger, key, epoch, due)) expired += 1;
  }
  await ledger.query(`delete from segno.tickets where stays_until < now() - interval '10 minutes'`, [], {
    idempotent: true,
  });
  return expired;
}

/** @param onlyDue false for a call that another attempt takes over: its worker is lost, however long its lease */
export async function expireLease(ledger: Ledger, key: string, epoch: number, onlyDue: boolean): Promise<boolean> {
  const { rows } = await ledger.query<{ expired: boolean }>(
    'select segno.expire_lease($1, $2, $3) as expired',
    [key, epoch, onlyDue],
    { idempotent: true },
  );
  return rows[0]?.expired === true;
}

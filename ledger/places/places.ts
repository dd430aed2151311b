/**
 * The rows of places: asked for, given, left, looked after. Who gets one is decided in the database (ledger/functions/places.ts).
 *
 * Invariant: each call may be repeated when its answer was lost.
 */
import type { PlaceRequest, Queued } from '../../core/places.js';
import type { Ledger } from '../openLedger.js';

export interface PlaceOwner {
  readonly tenant: string;
  /** The run's id. */
  readonly workflowId: string;
}

export interface PlaceOfRun {
  readonly id: string;
  readonly workflowId: string;
}

export type Taken =
  | { readonly state: 'refused'; readonly holders: readonly string[] }
  | {
      readonly state: 'waiting' | 'holding';
      readonly cancelled: boolean;
      /** Older runs that are to be cancelled for this one. */
      readonly givingWay: readonly PlaceOfRun[];
    };

/** @param by the run itself, or the client before it starts the run: only there may it be refused, only here do others give way */
export async function takePlace(
  ledger: Ledger,
  place: PlaceRequest,
  { tenant, workflowId }: PlaceOwner,
  by: 'run' | 'client',
): Promise<Taken> {
  const { id, key, limit, onLimit } = place;
  const asked = {
    ...{ id, tenant, key, workflowId, limit },
    seen: by === 'run',
    drop: by === 'client' && onLimit === 'drop',
    giveWay: by === 'run' && onLimit === 'cancelRunning',
  };
  const { rows } = await ledger.query<{ taken: Taken }>(
    'select segno.take_place($1::jsonb) as taken',
    [JSON.stringify(asked)],
    { idempotent: true },
  );
  return rows[0]!.taken;
}

export interface PlaceKey {
  readonly tenant: string;
  readonly key: string;
}

export async function leavePlace(ledger: Ledger, { tenant, key }: PlaceKey, id: string): Promise<void> {
  await ledger.query('select segno.leave_place($1, $2, $3)', [tenant, key, id], { idempotent: true });
}

const atOnce = 100;

export interface WatchedPlace extends PlaceKey, PlaceOfRun {
  readonly seen: boolean;
  readonly told: boolean;
  readonly cancelled: boolean;
  readonly holding: boolean;
  readonly ageMs: number;
}

interface WatchedRow {
  id: string;
  tenant: string;
  key: string;
  workflow_id: string;
  seen: boolean;
  told: boolean;
  cancelled: boolean;
  state: 'waiting' | 'holding';
  age_ms: number;
}

const watchedColumns = `p.id, p.tenant, p.key, p.workflow_id, p.seen, p.told, p.cancelled, p.state,
  (extract(epoch from clock_timestamp() - p.created_at) * 1000)::float8 as age_ms`;

/** Holders of a key who have not been told so yet. */
export async function untoldHolders(ledger: Ledger, { tenant, key }: PlaceKey): Promise<WatchedPlace[]> {
  const { rows } = await ledger.query<WatchedRow>(
    `select ${watchedColumns} from segno.places p
     where p.tenant = $1 and p.key = $2 and p.state = 'holding' and not p.told order by p.seq limit ${atOnce}`,
    [tenant, key],
    { idempotent: true },
  );
  return rows.map(watched);
}

/** Those who stand in the way of newcomers of a key, and were not looked at for so long. */
export async function holdersToCheck(
  ledger: Ledger,
  { tenant, key }: PlaceKey,
  { uncheckedForMs }: { readonly uncheckedForMs: number },
): Promise<WatchedPlace[]> {
  const { rows } = await ledger.query<WatchedRow>(
    `update segno.places p set checked_at = clock_timestamp()
     where p.tenant = $1 and p.key = $2 and p.state = 'holding'
       and p.checked_at <= clock_timestamp() - $3::float8 * interval '1 ms' returning ${watchedColumns}`,
    [tenant, key, uncheckedForMs],
    { idempotent: true },
  );
  return rows.map(watched);
}

/**
 * Places somebody has to look after, for this caller alone: holders that others wait for, holders nobody has told, and those that
 * give way, every few seconds; all others every ten minutes.
 */
export async function duePlaces(ledger: Ledger): Promise<WatchedPlace[]> {
  const { rows } = await ledger.query<WatchedRow>(
    `with due as (
       select d.id from segno.places d where
         ((d.state = 'holding' or d.cancelled) and (
           (not d.told and d.checked_at < clock_timestamp() - interval '1 s')
           or (d.checked_at < clock_timestamp() - interval '5 s' and (d.cancelled or exists (
             select 1 from segno.places w
             where w.tenant = d.tenant and w.key = d.key and w.state = 'waiting' and not w.cancelled)))))
         or d.checked_at < clock_timestamp() - interval '10 minutes'
       order by d.checked_at limit ${atOnce} for update skip locked
     )
     update segno.places p set checked_at = clock_timestamp() from due where p.id = due.id returning ${watchedColumns}`,
  );
  return rows.map(watched);
}

export async function markTold(ledger: Ledger, id: string): Promise<void> {
  await ledger.query('update segno.places set told = true where id = $1', [id], { idempotent: true });
}

/** Those of the places that wait, with how far they are. */
export async function queuedPlaces(ledger: Ledger, ids: readonly string[]): Promise<Map<string, Queued>> {
  if (ids.length === 0) return new Map();
  const { rows } = await ledger.query<{ id: string; key: string; position: string }>(
    `select p.id, p.key, (select count(*) from segno.places w where w.tenant = p.tenant and w.key = p.key
         and w.state = 'waiting' and not w.cancelled and w.seq <= p.seq) as position
     from segno.places p where p.id = any($1::text[]) and p.state = 'waiting' and not p.cancelled`,
    [ids],
    { idempotent: true },
  );
  return new Map(rows.map(({ id, key, position }) => [id, { key, position: Number(position) }]));
}

function watched({ workflow_id: workflowId, age_ms: ageMs, state, ...row }: WatchedRow): WatchedPlace {
  return { ...row, workflowId, ageMs, holding: state === 'holding' };
}

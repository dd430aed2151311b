/**
 * Places of runs that name a concurrency key: who holds one, who waits, in the order in which they asked.
 *
 * `told`: its run knows that it holds its place. Until then somebody still has to tell it.
 */
export const migration006 = `
create table segno.places (
  id text primary key,
  tenant text not null,
  key text not null,
  workflow_id text not null,
  most integer not null,
  seq bigint not null generated always as identity,
  state text not null default 'waiting' check (state in ('waiting', 'holding')),
  seen boolean not null default false,
  told boolean not null default false,
  cancelled boolean not null default false,
  created_at timestamptz not null default clock_timestamp(),
  checked_at timestamptz not null default clock_timestamp()
);
create index places_in_order on segno.places (tenant, key, seq);
create index places_waiting on segno.places (tenant, key, seq) where state = 'waiting' and not cancelled;
create index places_holding on segno.places (tenant, key) where state = 'holding';
create index places_watched on segno.places (checked_at) where state = 'holding' or cancelled;
create index places_by_check on segno.places (checked_at);
`;

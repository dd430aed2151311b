/**
 * The first shape of the ledger.
 *
 * JSON is kept as canonical text, not as jsonb: the bytes must stay what was hashed, and jsonb refuses \u0000.
 * Money is whole pico-USD. `attempts` outlives its step: the bill stays when a run's content is erased.
 */
export const migration001 = `
create table segno.steps (
  key text primary key,
  seq bigint generated always as identity,
  run_id text not null,
  workflow_id text not null,
  scope text not null,
  tenant text not null,
  path text not null,
  kind text not null check (kind in ('model', 'tool')),
  name text not null,
  definition_hash text not null,
  fingerprint text not null,
  safety text not null check (safety in ('pure', 'idempotent', 'once')),
  state text not null check (state in ('reserved', 'sent', 'done', 'failed', 'unknown')),
  epoch integer not null,
  attempts integer not null,
  owner text not null,
  token text not null,
  attempt integer not null,
  rev bigint not null default 0,
  lease_until timestamptz not null,
  model_alias text,
  provider text,
  model text,
  result text,
  result_hash text,
  result_bytes integer,
  error text,
  detail text,
  created_at timestamptz not null default now(),
  started_at timestamptz not null default now(),
  finished_at timestamptz,
  check (state <> 'done' or result_hash is not null),
  check (state <> 'failed' or error is not null)
) with (fillfactor = 80);
create index steps_by_scope on segno.steps (tenant, scope, seq);
create index steps_by_owner on segno.steps (owner, seq);

create table segno.attempts (
  step_key text not null,
  epoch integer not null,
  tenant text not null,
  scope text not null,
  run_id text not null,
  kind text not null,
  name text not null,
  owner text not null,
  attempt integer not null,
  model_alias text,
  provider text,
  model text,
  state text not null check (state in ('sent', 'done', 'failed', 'lost', 'released', 'fenced')),
  upper_input_tokens bigint,
  upper_output_tokens bigint,
  upper_cost_pico bigint,
  input_tokens bigint,
  output_tokens bigint,
  cached_input_tokens bigint,
  cost_pico bigint,
  estimated boolean,
  error text,
  started_at timestamptz not null default now(),
  finished_at timestamptz,
  primary key (step_key, epoch)
) with (fillfactor = 80);
create index attempts_by_scope on segno.attempts (tenant, scope);

create table segno.blobs (
  tenant text not null,
  sha256 text not null,
  scope text not null,
  media_type text not null,
  name text,
  bytes bigint not null,
  parts integer not null default 0,
  data bytea,
  created_at timestamptz not null default now(),
  primary key (tenant, sha256, scope)
);
create index blobs_by_scope on segno.blobs (tenant, scope);

create table segno.blob_parts (
  tenant text not null,
  scope text not null,
  sha256 text not null,
  part integer not null,
  data bytea not null,
  primary key (tenant, scope, sha256, part)
);
alter table segno.blob_parts alter column data set storage external;

create table segno.nodes (
  tenant text not null,
  hash text not null,
  scope text not null,
  parent text,
  message text,
  content_hash text,
  created_at timestamptz not null default now(),
  primary key (tenant, hash, scope),
  check ((message is null) <> (content_hash is null))
);
create index nodes_by_scope on segno.nodes (tenant, scope);

create table segno.workers (
  instance text primary key,
  identity text not null,
  host_id text not null,
  pid integer not null,
  process_started_at text not null,
  task_queue text not null,
  build_id text,
  state text not null check (state in ('active', 'retired', 'dead')),
  claimed_by text,
  claimed_at timestamptz,
  recovered_at timestamptz,
  registered_at timestamptz not null default now(),
  last_beat_at timestamptz not null default now()
) with (fillfactor = 50);
`;

/**
 * Maps of many items. `part_of` is the path of the map a step belongs to (the outermost one): such steps are shown as counts.
 * A batch names the items it works through and, when it is done, their outputs; both are blobs.
 */
export const migration003 = `
alter table segno.steps add column part_of text
  generated always as (substring(path from '^(.*?mapReduce#[0-9]+/[^/]+)/item#[0-9]+')) stored;
create index steps_alone on segno.steps (tenant, scope, seq) where part_of is null;

create table segno.batches (
  run_id text not null,
  path text not null,
  batch integer not null,
  tenant text not null,
  scope text not null,
  first_item integer not null,
  items integer not null,
  input_sha256 text not null,
  output_sha256 text,
  totals text,
  created_at timestamptz not null default now(),
  finished_at timestamptz,
  primary key (run_id, path, batch),
  check ((totals is null) = (output_sha256 is null))
);
create index batches_by_scope on segno.batches (tenant, scope);
`;

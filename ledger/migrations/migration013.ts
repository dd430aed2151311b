/**
 * How long calls take at a gate, as a moving average, and until when its provider wants to be left alone. Functions of one row that
 * those of many do the work of are gone.
 */
export const migration013 = `
alter table segno.gates
  add column call_ms bigint not null default 100,
  add column paused_until timestamptz;
drop function if exists segno.store_gate(segno.gates);
drop function if exists segno.lock_gate(jsonb);
drop function if exists segno.lock_budget(jsonb);
`;

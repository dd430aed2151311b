/**
 * A row is found by its own key, whatever the database knows of its tables.
 *
 * A plan that was made while a table was empty is kept for as long as a connection lives, and there all indexes cost the same: one on
 * what most rows share (an owner, a tenant) then reads them all. So a step is looked up by its key alone, and what belongs to runs is indexed by
 * their scope alone.
 */
export const migration011 = `
drop index segno.steps_by_scope;
create index steps_by_scope on segno.steps (scope, seq);
drop index segno.steps_alone;
create index steps_alone on segno.steps (scope, seq) where part_of is null;
drop index segno.attempts_by_scope;
create index attempts_by_scope on segno.attempts (scope);
drop index segno.blobs_by_scope;
create index blobs_by_scope on segno.blobs (scope);
drop index segno.nodes_by_scope;
create index nodes_by_scope on segno.nodes (scope);
drop index segno.leases_by_scope;
create index leases_by_scope on segno.leases (scope);

-- As in migration009, but that a step is looked up by its key alone.
create or replace function segno.settle_steps(p jsonb) returns table (n integer, settled boolean, warnings jsonb)
language plpgsql as $$
#variable_conflict use_variable
declare
  e jsonb;
  u jsonb;
  new_state text;
  own_tenant text;
  own_scope text;
  tenants text[];
  scopes text[];
  all_settled boolean[];
begin
  n := 0;
  for e in select value from jsonb_array_elements(p->'endings') loop
    n := n + 1;
    u := e->'usage';
    new_state := e->>'state';
    select s.tenant, s.scope, s.epoch = (e->>'epoch')::int and s.owner = e->>'owner' and s.state in ('sent', 'unknown')
    into own_tenant, own_scope, settled from segno.steps s where s.key = e->>'key' for update;
    settled := coalesce(settled, false);
    if settled then
      update segno.steps s set state = new_state, error = e->>'error', result = e->>'result', result_hash = e->>'resultHash',
        result_bytes = (e->>'resultBytes')::int, detail = case when new_state = 'done' then e->>'detail' else s.detail end,
        finished_at = now(), rev = s.rev + 1
      where s.key = e->>'key';
    else
      own_tenant := null;
      own_scope := null;
    end if;
    tenants[n] := own_tenant;
    scopes[n] := own_scope;
    update segno.attempts a set
      state = case when settled then case when new_state = 'done' then 'done' else 'failed' end
        when a.state in ('sent', 'lost') then 'fenced' else a.state end,
      error = coalesce(e->>'error', a.error), finished_at = now(),
      input_tokens = case when u is not null and a.estimated is distinct from false then (u->>'inputTokens')::bigint else a.input_tokens end,
      output_tokens = case when u is not null and a.estimated is distinct from false then (u->>'outputTokens')::bigint else a.output_tokens end,
      cached_input_tokens = case when u is not null and a.estimated is distinct from false then (u->>'cachedInputTokens')::bigint else a.cached_input_tokens end,
      cost_pico = case when u is not null and a.estimated is distinct from false then (u->>'cost')::bigint else a.cost_pico end,
      estimated = case when u is not null and a.estimated is distinct from false then (u->>'estimated')::boolean else a.estimated end
    where a.step_key = e->>'key' and a.epoch = (e->>'epoch')::int and a.owner = e->>'owner';
    if not settled then
      select s.epoch = (e->>'epoch')::int and s.owner = e->>'owner' and s.state = new_state
        and case when new_state = 'done' then s.result_hash = e->>'resultHash' else s.error = e->>'error' end
      into settled from segno.steps s where s.key = e->>'key';
      settled := coalesce(settled, false);
    end if;
    all_settled[n] := settled;
  end loop;
  if p->'nodes' <> '[]' then
    insert into segno.nodes (tenant, scope, hash, parent, message, content_hash)
    select tenants[(v->>'n')::int], scopes[(v->>'n')::int], v->>'hash', v->>'parent', v->>'message', v->>'contentHash'
    from jsonb_array_elements(p->'nodes') v where tenants[(v->>'n')::int] is not null
    order by v->>'hash' on conflict do nothing;
  end if;
  if p->'blobs' <> '[]' then
    insert into segno.blobs (tenant, scope, sha256, media_type, name, bytes, data)
    select tenants[(v->>'n')::int], scopes[(v->>'n')::int], v->>'sha256', v->>'mediaType', v->>'name', length(d.data), d.data
    from jsonb_array_elements(p->'blobs') v cross join lateral (select decode(v->>'data', 'base64') as data) d
    where tenants[(v->>'n')::int] is not null
    order by v->>'sha256' on conflict do nothing;
  end if;
  if p->'settlements' <> '[]' then perform segno.settle_group(p->'settlements'); end if;
  if p->'warnAt' <> '{}' then warnings := segno.warn_budgets(p->'warnAt'); end if;
  for i in 1..cardinality(all_settled) loop
    n := i;
    settled := all_settled[i];
    return next;
    warnings := null;
  end loop;
end
$$;
`;

/**
 * Steps that begin together, and attempts that end together, with what the gate says of their calls.
 *
 * Rows are found one by one, by their keys: joined to a list, or compared with one, a plan that was made while a table was small reads
 * all of it.
 */
export const stepFunctions = `
-- First begins of steps that come together: {steps: [{…, ask}], budgets, gates}. n: which of them, from 1.
-- A row that is there is left alone; so is what the gate does not let pass. \`offset 0\`: each is looked up by its key, as in warn_budgets.
-- Plans are made once, and never to read a table from end to end: one that is small, or has just been cleaned up, will grow.
create or replace function segno.begin_steps(p jsonb) returns table (n integer, begun boolean, verdict jsonb)
language plpgsql set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
#variable_conflict use_column
declare
  asks jsonb;
  verdicts jsonb := '[]';
begin
  select jsonb_agg(i.value->'ask' order by i.ordinality) into asks
  from jsonb_array_elements(p->'steps') with ordinality i
  where i.value ? 'ask' and not exists (select 1 from segno.steps s where s.key = i.value->>'key' offset 0);
  if asks is not null then
    verdicts := segno.admit_group(jsonb_build_object('budgets', p->'budgets', 'gates', p->'gates', 'asks', asks));
  end if;
  return query
  with asked as materialized (
    select a.value->>'key' as key, v.value as verdict, v.value->'candidate' as c
    from jsonb_array_elements(coalesce(asks, '[]')) with ordinality a join jsonb_array_elements(verdicts) with ordinality v using (ordinality)
  ), given as materialized (
    select i.ordinality::int as n, i.value as step, i.value->>'key' as key, a.verdict, a.c
    from jsonb_array_elements(p->'steps') with ordinality i left join asked a on a.key = i.value->>'key'
  ), rows as (
    insert into segno.steps (key, run_id, workflow_id, scope, tenant, path, kind, name, definition_hash, fingerprint, safety,
      state, epoch, attempts, owner, token, attempt, lease_until, model_alias, provider, model, idempotency_key,
      input, input_sha256, input_bytes)
    select g.key, step->>'runId', step->>'workflowId', step->>'scope', step->>'tenant', step->>'path', step->>'kind',
      step->>'name', step->>'definitionHash', step->>'fingerprint', step->>'safety', 'sent', 1, 1, step->>'owner', step->>'token',
      (step->>'attempt')::int, now() + (step->>'leaseMs')::float8 * interval '1 ms', coalesce(c->>'alias', step->>'alias'),
      coalesce(c->>'provider', step->>'provider'), coalesce(c->>'model', step->>'model'), step->>'idempotencyKey',
      step->'effect'->>'text', step->'effect'->>'sha256', (step->'effect'->>'bytes')::int
    from given g where case when step ? 'ask' then g.verdict->>'do' = 'go' else true end
    order by g.n on conflict (key) do nothing returning key
  ), begun as (
    insert into segno.attempts (step_key, epoch, tenant, scope, run_id, kind, name, owner, attempt, model_alias, provider, model,
      state, upper_input_tokens, upper_output_tokens, upper_cost_pico, budgets, waited_ms, waited_for, instead_of)
    select g.key, 1, step->>'tenant', step->>'scope', step->>'runId', step->>'kind', step->>'name', step->>'owner',
      (step->>'attempt')::int, coalesce(c->>'alias', step->>'alias'), coalesce(c->>'provider', step->>'provider'),
      coalesce(c->>'model', step->>'model'), 'sent', coalesce(c->>'inputTokens', step->>'inputTokens')::bigint,
      coalesce(c->>'outputTokens', step->>'outputTokens')::bigint, coalesce(c->>'cost', step->>'cost')::bigint,
      array(select jsonb_array_elements_text(g.verdict->'budgets')), (g.verdict->>'waitedMs')::bigint, g.verdict->>'waitedFor',
      nullif(g.verdict->'skipped', '[]')::text
    from rows r join given g using (key) order by g.n returning step_key as key
  )
  select g.n, b.key is not null, g.verdict from given g left join begun b using (key) order by g.n;
end
$$;

-- Ends of attempts that come together: {endings: [{…}], nodes: [{n, …}], blobs: [{n, …}], settlements, warnAt}. n: which of the endings,
-- from 1. settled: the step has this ending now, by this call or an earlier one. warnings: of all of them, in the first row.
create or replace function segno.settle_steps(p jsonb) returns table (n integer, settled boolean, warnings jsonb)
language plpgsql set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
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
    update segno.steps s set state = new_state, error = e->>'error', result = e->>'result', result_hash = e->>'resultHash',
      result_bytes = (e->>'resultBytes')::int, detail = case when new_state = 'done' then e->>'detail' else s.detail end,
      finished_at = now(), rev = s.rev + 1
    where s.key = e->>'key' and s.epoch = (e->>'epoch')::int and s.owner = e->>'owner' and s.state in ('sent', 'unknown')
    returning s.tenant, s.scope into own_tenant, own_scope;
    settled := found;
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
      settled := exists (select 1 from segno.steps s
        where s.key = e->>'key' and s.epoch = (e->>'epoch')::int and s.owner = e->>'owner' and s.state = new_state
        and case when new_state = 'done' then s.result_hash = e->>'resultHash' else s.error = e->>'error' end);
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

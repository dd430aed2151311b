/**
 * The gate by key: rows that a call names are found one by one, through their keys.
 *
 * Joined to a list, or compared with one, a plan that was made while a table was small reads all of it: leases that are gone, until the
 * database has cleaned up after them, and the budgets of all runs.
 *
 * Invariants: those of migration009. All rows of steps that begin are written at once, since budgets are locked by then.
 */
export const migration012 = `
create or replace function segno.lock_budgets(items jsonb) returns segno.budgets[]
language plpgsql as $$
declare
  budgets segno.budgets[] := '{}';
  item jsonb;
begin
  for item in select value from jsonb_array_elements(items) order by value->>'key' loop
    budgets := budgets || segno.lock_budget(item);
  end loop;
  return budgets;
end
$$;

-- With the settings of their items, as they stood in the ledger: roll_gate moves their windows on.
create or replace function segno.lock_gates(items jsonb) returns segno.gates[]
language plpgsql as $$
declare
  gates segno.gates[] := '{}';
  item jsonb;
begin
  for item in select value from jsonb_array_elements(items) order by value->>'key' loop
    gates := gates || segno.lock_gate(item);
  end loop;
  return gates;
end
$$;

create or replace function segno.store_budgets(budgets segno.budgets[]) returns void
language plpgsql as $$
declare
  n segno.budgets;
begin
  foreach n in array budgets loop
    update segno.budgets b set calls_limit = n.calls_limit, tokens_limit = n.tokens_limit, cost_limit = n.cost_limit,
      calls_held = n.calls_held, tokens_held = n.tokens_held, cost_held = n.cost_held,
      calls_spent = n.calls_spent, tokens_spent = n.tokens_spent, cost_spent = n.cost_spent
    where b.key = n.key;
  end loop;
end
$$;

create or replace function segno.store_gates(gates segno.gates[]) returns void
language plpgsql as $$
declare
  n segno.gates;
begin
  foreach n in array gates loop
    update segno.gates g set settings = n.settings, in_use = n.in_use, newest = n.newest, requests = n.requests,
      tokens = n.tokens, cost = n.cost, breaker = n.breaker, open_until = n.open_until, openings = n.openings,
      round = n.round, probing = n.probing, probed = n.probed, faults_in_row = n.faults_in_row, calls = n.calls,
      faults = n.faults, slow = n.slow, spent = n.spent, last_fault = n.last_fault, last_fault_at = n.last_fault_at,
      turn = n.turn, turns = n.turns
    where g.key = n.key;
  end loop;
end
$$;

-- What becomes of calls that end together: [{key, epoch, calls, tokens, cost, health, durationMs, fault, remaining}]. Once each: its
-- lease is gone then. How many had one.
create or replace function segno.settle_group(outcomes jsonb) returns integer
language plpgsql as $$
declare
  now_at timestamptz;
  l segno.leases;
  b segno.budgets;
  g segno.gates;
  leases segno.leases[] := '{}';
  ended jsonb[] := '{}';
  outcome jsonb;
  budgets segno.budgets[] := '{}';
  gates segno.gates[] := '{}';
  named_budgets text[] := '{}';
  named_gates text[] := '{}';
  budget_keys text[] := '{}';
  gate_keys text[] := '{}';
  k text;
  was_open boolean;
  room bigint;
  i integer;
begin
  for n in 1..jsonb_array_length(outcomes) loop
    outcome := outcomes->(n - 1);
    delete from segno.leases d where d.step_key = outcome->>'key' and d.epoch = (outcome->>'epoch')::int returning * into l;
    continue when not found;
    leases := leases || l;
    ended := ended || outcome;
    named_budgets := named_budgets || l.budgets;
    named_gates := named_gates || l.gates;
  end loop;
  if cardinality(leases) = 0 then return 0; end if;
  for k in select distinct unnest(named_budgets) order by 1 loop
    select * into b from segno.budgets r where r.key = k for update;
    continue when not found;
    budgets := budgets || b;
    budget_keys := budget_keys || k;
  end loop;
  for k in select distinct unnest(named_gates) order by 1 loop
    select * into g from segno.gates r where r.key = k for update;
    continue when not found;
    gates := gates || g;
    gate_keys := gate_keys || k;
  end loop;
  now_at := clock_timestamp();
  for i in 1..cardinality(gates) loop gates[i] := segno.roll_gate(gates[i], floor(extract(epoch from now_at) / 5)::bigint); end loop;

  for n in 1..cardinality(leases) loop
    l := leases[n];
    outcome := ended[n];
    was_open := l.state = 'open';
    foreach k in array l.budgets loop
      i := array_position(budget_keys, k);
      continue when i is null;
      b := budgets[i];
      if was_open then
        b.calls_held := b.calls_held - 1;
        b.tokens_held := b.tokens_held - l.tokens;
        b.cost_held := b.cost_held - l.cost;
      else
        b.calls_spent := b.calls_spent - 1;
        b.tokens_spent := b.tokens_spent - l.tokens;
        b.cost_spent := b.cost_spent - l.cost;
      end if;
      b.calls_spent := b.calls_spent + (outcome->>'calls')::bigint;
      b.tokens_spent := b.tokens_spent + (outcome->>'tokens')::bigint;
      b.cost_spent := b.cost_spent + (outcome->>'cost')::bigint;
      budgets[i] := b;
    end loop;
    foreach k in array l.gates loop
      i := array_position(gate_keys, k);
      continue when i is null;
      g := gates[i];
      g.requests := segno.window_add(g.requests, g.newest, l.slot, (outcome->>'calls')::bigint - 1);
      g.tokens := segno.window_add(g.tokens, g.newest, l.slot, (outcome->>'tokens')::bigint - l.tokens);
      g.cost := segno.window_add(g.cost, g.newest, l.slot, (outcome->>'cost')::bigint - l.cost);
      if was_open then g.in_use := greatest(0, g.in_use - 1); end if;
      -- The provider knows of calls that are not ours.
      if outcome->'remaining' <> '{}' and k not like 'tenant/%' then
        room := (g.settings->>'requests')::bigint - segno.window_sum(g.requests) - (outcome->'remaining'->>'requests')::bigint;
        if room > 0 then g.requests := segno.window_add(g.requests, g.newest, g.newest, room); end if;
        room := (g.settings->>'tokens')::bigint - segno.window_sum(g.tokens) - (outcome->'remaining'->>'tokens')::bigint;
        if room > 0 then g.tokens := segno.window_add(g.tokens, g.newest, g.newest, room); end if;
      end if;
      if was_open and k = l.breaker_gate and g.settings ? 'breaker' then
        if outcome->>'health' = 'fault' then
          g.last_fault := outcome->>'fault';
          g.last_fault_at := now_at;
        end if;
        g := segno.after_call(g, outcome, l.probe_of, now_at);
      end if;
      gates[i] := g;
    end loop;
  end loop;
  perform segno.store_budgets(budgets);
  perform segno.store_gates(gates);
  return cardinality(leases);
end
$$;

-- Which thresholds of budgets ({key: [share]}) are reached and were not told: [{budget, threshold, share}], or null.
create or replace function segno.warn_budgets(thresholds jsonb) returns jsonb
language plpgsql as $$
declare
  told jsonb;
begin
  with used as (
    select w.key, w.value as shares, greatest(segno.spent_share(b.calls_spent, b.calls_limit, b.calls_raised),
      segno.spent_share(b.tokens_spent, b.tokens_limit, b.tokens_raised),
      segno.spent_share(b.cost_spent, b.cost_limit, b.cost_raised)) as share
    from jsonb_each(thresholds) w cross join lateral (select * from segno.budgets r where r.key = w.key offset 0) b
  ), reached as (
    insert into segno.budget_warnings (budget, threshold, share)
    select u.key, t.value::float8, u.share from used u, jsonb_array_elements_text(u.shares) t
    where t.value::float8 <= u.share order by 1, 2
    on conflict do nothing returning budget, threshold, budget_warnings.share
  )
  select jsonb_agg(jsonb_build_object('budget', budget, 'threshold', threshold, 'share', share) order by budget, threshold)
  into told from reached;
  return told;
end
$$;

-- First begins of steps that come together: {steps: [{…, ask}], budgets, gates}. n: which of them, from 1.
-- A row that is there is left alone; so is what the gate does not let pass. \`offset 0\`: each is looked up by its key, as in warn_budgets.
create or replace function segno.begin_steps(p jsonb) returns table (n integer, begun boolean, verdict jsonb)
language plpgsql as $$
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

-- Plans are made once, and never to read a table from end to end: one that is small, or has just been cleaned up, will grow.
alter function segno.begin_steps(jsonb) set plan_cache_mode = force_generic_plan;
alter function segno.begin_steps(jsonb) set enable_seqscan = off;
alter function segno.settle_steps(jsonb) set plan_cache_mode = force_generic_plan;
alter function segno.settle_steps(jsonb) set enable_seqscan = off;
alter function segno.admit(text, integer, jsonb) set enable_seqscan = off;
`;

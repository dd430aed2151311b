/**
 * The gate in fewer statements, each of them by key.
 *
 * What a function asks SQL for costs more than what it works out itself, so lists of JSON are walked by number. Rows are found one by
 * one, through their keys: joined to a list, or compared with one, a plan that was made while a table was small reads all of it (leases
 * that are gone, until the database has cleaned up after them, and the budgets of all runs).
 *
 * Invariants: those of migration009. All rows of steps that begin are written at once, since budgets are locked by then.
 */
export const migration012 = `
create function segno.texts_of(list jsonb) returns text[]
language plpgsql immutable as $$
declare
  texts text[] := '{}';
begin
  for n in 1..jsonb_array_length(list) loop texts := texts || (list->>(n - 1)); end loop;
  return texts;
end
$$;

create function segno.places_of(names text[], keys text[]) returns integer[]
language plpgsql immutable as $$
declare
  places integer[] := '{}';
  name text;
begin
  foreach name in array names loop places := places || array_position(keys, name); end loop;
  return places;
end
$$;

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

-- How many: a value is worked out in place, where \`perform\` would ask SQL for it.
drop function segno.store_budgets(segno.budgets[]);
create function segno.store_budgets(budgets segno.budgets[]) returns integer
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
  return cardinality(budgets);
end
$$;

drop function segno.store_gates(segno.gates[]);
create function segno.store_gates(gates segno.gates[]) returns integer
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
  return cardinality(gates);
end
$$;

-- How a call stands to one gate's limits: null when it passes, else {at, for, waitMs, ahead}.
create or replace function segno.gate_wait(g segno.gates, ask jsonb, need_tokens bigint, need_cost bigint, now_ms bigint, queued boolean)
returns jsonb
language plpgsql as $$
declare
  most jsonb := g.settings;
  own_key text := ask->>'key';
  ahead bigint := 0;
  ahead_tokens bigint := 0;
  ahead_cost bigint := 0;
  reason text;
  wait_ms bigint := 0;
  own bigint;
begin
  if not most ?| array['concurrency', 'requests', 'tokens', 'cost'] then return null; end if;
  if queued then
    with waiting as (
      select t.step_key, t.tenant, t.priority, t.tokens, t.cost, t.created_at from segno.tickets t
      where t.gate = g.key and (t.stays_until > clock_timestamp() or t.step_key = own_key)
      union all
      select own_key, ask->>'tenant', (ask->>'priority')::int, need_tokens, need_cost, clock_timestamp()
      where not exists (select 1 from segno.tickets t where t.gate = g.key and t.step_key = own_key)
    ), queue as (
      select w.*, greatest((g.turns->>w.tenant)::bigint, g.turn)
        + row_number() over (partition by w.tenant order by w.priority, w.created_at, w.step_key) as turn
      from waiting w
    ), me as (select * from queue where step_key = own_key)
    select count(*), coalesce(sum(t.tokens), 0), coalesce(sum(t.cost), 0) into ahead, ahead_tokens, ahead_cost
    from queue t, me where (t.priority, t.turn, t.created_at, t.step_key) < (me.priority, me.turn, me.created_at, me.step_key);
  end if;
  if g.in_use + ahead >= (most->>'concurrency')::bigint then
    reason := 'concurrency';
    wait_ms := least(2000, 100 + 100 * ahead / greatest(1, (most->>'concurrency')::bigint));
  end if;
  if most ? 'requests' then
    own := segno.window_wait_ms(g.requests, ahead + 1, (most->>'requests')::bigint, now_ms);
    if own > wait_ms then reason := 'requests'; wait_ms := own; end if;
  end if;
  if most ? 'tokens' then
    own := segno.window_wait_ms(g.tokens, ahead_tokens + need_tokens, (most->>'tokens')::bigint, now_ms);
    if own > wait_ms then reason := 'tokens'; wait_ms := own; end if;
  end if;
  if most ? 'cost' then
    own := segno.window_wait_ms(g.cost, ahead_cost + need_cost, (most->>'cost')::bigint, now_ms);
    if own > wait_ms then reason := 'cost'; wait_ms := own; end if;
  end if;
  if reason is null then return null; end if;
  return jsonb_build_object('at', g.key, 'for', reason, 'waitMs', wait_ms, 'ahead', ahead);
end
$$;

-- Calls that come together: {budgets, gates, asks: [{key, epoch, tenant, scope, leaseMs, priority, budgets: [key], candidates}]}.
-- A verdict each, in their order: {do: go, candidate, budgets, waitedMs, waitedFor, skipped} with its lease written,
-- {do: wait, waitMs, at, for, ahead}, or {do: exhausted, budget, for}.
create or replace function segno.admit_group(p jsonb) returns jsonb
language plpgsql as $$
declare
  now_at timestamptz;
  now_ms bigint;
  now_slot bigint;
  queued boolean;
  asks jsonb := p->'asks';
  ask jsonb;
  candidates jsonb;
  candidate jsonb;
  last boolean;
  b segno.budgets;
  g segno.gates;
  i integer;
  budgets segno.budgets[];
  gates segno.gates[];
  budget_keys text[];
  gate_keys text[];
  ask_budgets text[];
  ask_gates text[];
  own_budgets integer[];
  own_gates integer[];
  admitted boolean := false;
  need_tokens bigint;
  need_cost bigint;
  obstacle jsonb;
  blocked jsonb;
  skipped jsonb;
  verdict jsonb;
  verdicts jsonb[] := '{}';
  probe_round integer;
  breaker_key text;
  since timestamptz;
  waited text;
  written integer;
begin
  budgets := segno.lock_budgets(p->'budgets');
  gates := segno.lock_gates(p->'gates');
  now_at := clock_timestamp();
  now_ms := floor(extract(epoch from now_at) * 1000);
  now_slot := now_ms / 5000;
  for i in 1..cardinality(budgets) loop budget_keys[i] := budgets[i].key; end loop;
  for i in 1..cardinality(gates) loop
    gate_keys[i] := gates[i].key;
    gates[i] := segno.roll_gate(gates[i], now_slot);
  end loop;
  queued := exists (select 1 from segno.tickets t where t.gate = any(gate_keys))
    or exists (select 1 from segno.tickets t
      where t.step_key = any(segno.texts_of(jsonb_path_query_array(asks, '$[*].key'))));

  for n in 1..jsonb_array_length(asks) loop
    ask := asks->(n - 1);
    candidates := ask->'candidates';
    ask_budgets := segno.texts_of(ask->'budgets');
    own_budgets := segno.places_of(ask_budgets, budget_keys);
    skipped := '[]';
    verdict := null;
    for c in 1..jsonb_array_length(candidates) loop
      candidate := candidates->(c - 1);
      last := c = jsonb_array_length(candidates);
      need_tokens := (candidate->>'inputTokens')::bigint + (candidate->>'outputTokens')::bigint;
      need_cost := (candidate->>'cost')::bigint;
      blocked := null;
      obstacle := null;

      foreach i in array own_budgets loop
        b := budgets[i];
        if b.ends_at <= now_at then
          obstacle := jsonb_build_object('do', 'exhausted', 'budget', b.key, 'for', 'time');
        elsif b.calls_spent + 1 > b.calls_limit + b.calls_raised then
          obstacle := jsonb_build_object('do', 'exhausted', 'budget', b.key, 'for', 'calls');
        elsif b.tokens_spent + need_tokens > b.tokens_limit + b.tokens_raised then
          obstacle := jsonb_build_object('do', 'exhausted', 'budget', b.key, 'for', 'tokens');
        elsif b.cost_spent + need_cost > b.cost_limit + b.cost_raised then
          obstacle := jsonb_build_object('do', 'exhausted', 'budget', b.key, 'for', 'cost');
        elsif b.calls_spent + b.calls_held + 1 > b.calls_limit + b.calls_raised
          or b.tokens_spent + b.tokens_held + need_tokens > b.tokens_limit + b.tokens_raised
          or b.cost_spent + b.cost_held + need_cost > b.cost_limit + b.cost_raised then
          blocked := coalesce(blocked, jsonb_build_object('at', b.key, 'for', 'budget', 'waitMs', 250, 'ahead', 0));
        end if;
        exit when obstacle is not null;
      end loop;
      if obstacle is not null then
        if last or not coalesce(candidate->'skipOn' ? 'budget', false) then
          verdict := obstacle || jsonb_build_object('skipped', skipped);
          exit;
        end if;
        skipped := skipped || jsonb_build_object('alias', candidate->>'alias', 'for', 'budget');
        continue;
      end if;

      ask_gates := segno.texts_of(candidate->'gates');
      own_gates := segno.places_of(ask_gates, gate_keys);
      probe_round := null;
      breaker_key := null;
      foreach i in array own_gates loop
        g := gates[i];
        continue when not g.settings ? 'breaker';
        breaker_key := g.key;
        if g.breaker = 'open' and g.open_until > now_at then
          obstacle := jsonb_build_object('at', g.key, 'for', 'outage', 'ahead', 0,
            'waitMs', ceil(extract(epoch from g.open_until - now_at) * 1000));
        elsif g.breaker = 'halfOpen' and g.probing >= (g.settings->'breaker'->>'probes')::int then
          obstacle := jsonb_build_object('at', g.key, 'for', 'outage', 'ahead', 0, 'waitMs', 500);
        elsif g.breaker <> 'closed' then
          probe_round := g.round;
        end if;
      end loop;
      if obstacle is not null and not last and candidate->'skipOn' ? 'outage' then
        skipped := skipped || jsonb_build_object('alias', candidate->>'alias', 'for', 'outage');
        continue;
      end if;
      blocked := coalesce(obstacle, blocked);

      foreach i in array own_gates loop
        obstacle := segno.gate_wait(gates[i], ask, need_tokens, need_cost, now_ms, queued);
        if obstacle is not null and (blocked is null or (obstacle->>'waitMs')::bigint > (blocked->>'waitMs')::bigint) then
          blocked := obstacle;
        end if;
      end loop;
      if blocked is not null then
        insert into segno.tickets (gate, step_key, tenant, scope, priority, tokens, cost, reason, stays_until)
        values (blocked->>'at', ask->>'key', ask->>'tenant', ask->>'scope', (ask->>'priority')::int, need_tokens, need_cost,
          blocked->>'for', clock_timestamp() + ((blocked->>'waitMs')::float8 + 3000) * interval '1 ms')
        on conflict (step_key, gate) do update set stays_until = excluded.stays_until, reason = excluded.reason;
        queued := true;
        verdict := blocked || jsonb_build_object('do', 'wait', 'skipped', skipped);
        exit;
      end if;

      foreach i in array own_budgets loop
        b := budgets[i];
        b.calls_held := b.calls_held + 1;
        b.tokens_held := b.tokens_held + need_tokens;
        b.cost_held := b.cost_held + need_cost;
        budgets[i] := b;
      end loop;
      foreach i in array own_gates loop
        g := gates[i];
        if queued then g := segno.take_turn(g, ask->>'tenant'); end if;
        g.in_use := g.in_use + 1;
        g.requests := segno.window_add(g.requests, g.newest, now_slot, 1);
        g.tokens := segno.window_add(g.tokens, g.newest, now_slot, need_tokens);
        g.cost := segno.window_add(g.cost, g.newest, now_slot, need_cost);
        if g.key = breaker_key and probe_round is not null then
          if g.breaker = 'open' then
            g.breaker := 'halfOpen';
            g.probing := 0;
            g.probed := 0;
          end if;
          g.probing := g.probing + 1;
        end if;
        gates[i] := g;
      end loop;
      since := null;
      waited := null;
      if queued then
        with gone as (delete from segno.tickets where step_key = ask->>'key' returning created_at, gate, reason)
        select created_at, reason || ' at ' || gate into since, waited from gone order by created_at limit 1;
      end if;
      insert into segno.leases (step_key, epoch, tenant, scope, budgets, gates, breaker_gate, probe_of, slot, tokens, cost, lease_until)
      values (ask->>'key', (ask->>'epoch')::int, ask->>'tenant', ask->>'scope', ask_budgets, ask_gates, breaker_key, probe_round,
        now_slot, need_tokens, need_cost, now_at + (ask->>'leaseMs')::float8 * interval '1 ms')
      on conflict do nothing;
      if not found then
        -- Another attempt took this very lease since its step was read: a lost race, and the statement is made again.
        raise exception 'another attempt was admitted' using errcode = '40001';
      end if;
      admitted := true;
      verdict := jsonb_build_object('do', 'go', 'candidate', candidate, 'skipped', skipped, 'budgets', ask->'budgets',
        'waitedMs', floor(extract(epoch from now_at - since) * 1000), 'waitedFor', waited);
      exit;
    end loop;
    if verdict is null then raise exception 'the gate was asked for no candidate'; end if;
    verdicts := verdicts || verdict;
  end loop;

  if admitted then written := segno.store_budgets(budgets) + segno.store_gates(gates); end if;
  return to_jsonb(verdicts);
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
  written integer;
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
  written := segno.store_budgets(budgets) + segno.store_gates(gates);
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

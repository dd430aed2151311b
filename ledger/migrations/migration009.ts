/**
 * The gate for many calls in one statement: what comes from one worker at the same time is admitted together, and settled together.
 *
 * Each budget and each limit is locked once, read once and written once, however many calls of a group meet there. The calls of a group are
 * decided one after the other, as if each had come alone.
 *
 * Invariants: those of migration004, whose tables and smaller functions these use. A row that is missing is added while others are
 * locked: two who add rows at once may wait for each other, and the database lets one of them try again.
 */
export const migration009 = `
-- First begins of steps that come together: {steps: [{…, ask}], budgets, gates}. n: which of them, from 1.
-- A row that is there is left alone; so is what the gate does not let pass.
create function segno.begin_steps(p jsonb) returns table (n integer, begun boolean, verdict jsonb)
language plpgsql as $$
#variable_conflict use_variable
declare
  step jsonb;
  asks jsonb := '[]';
  verdicts jsonb;
  asked integer := 0;
  known boolean[];
  c jsonb;
begin
  n := 0;
  for step in select value from jsonb_array_elements(p->'steps') loop
    n := n + 1;
    known[n] := step ? 'ask' and exists (select 1 from segno.steps s where s.key = step->>'key');
    if step ? 'ask' and not known[n] then asks := asks || (step->'ask'); end if;
  end loop;
  if asks <> '[]' then
    verdicts := segno.admit_group(jsonb_build_object('budgets', p->'budgets', 'gates', p->'gates', 'asks', asks));
  end if;
  n := 0;
  for step in select value from jsonb_array_elements(p->'steps') loop
    n := n + 1;
    begun := false;
    verdict := null;
    c := null;
    if step ? 'ask' and not known[n] then
      verdict := verdicts->asked;
      asked := asked + 1;
      c := verdict->'candidate';
    end if;
    if not known[n] and (verdict is null or verdict->>'do' = 'go') then
      insert into segno.steps (key, run_id, workflow_id, scope, tenant, path, kind, name, definition_hash, fingerprint, safety,
        state, epoch, attempts, owner, token, attempt, lease_until, model_alias, provider, model, idempotency_key,
        input, input_sha256, input_bytes)
      values (step->>'key', step->>'runId', step->>'workflowId', step->>'scope', step->>'tenant', step->>'path', step->>'kind',
        step->>'name', step->>'definitionHash', step->>'fingerprint', step->>'safety', 'sent', 1, 1, step->>'owner', step->>'token',
        (step->>'attempt')::int, now() + (step->>'leaseMs')::float8 * interval '1 ms', coalesce(c->>'alias', step->>'alias'),
        coalesce(c->>'provider', step->>'provider'), coalesce(c->>'model', step->>'model'), step->>'idempotencyKey',
        step->'effect'->>'text', step->'effect'->>'sha256', (step->'effect'->>'bytes')::int)
      on conflict (key) do nothing;
      begun := found;
    end if;
    if begun then
      insert into segno.attempts (step_key, epoch, tenant, scope, run_id, kind, name, owner, attempt, model_alias, provider, model,
        state, upper_input_tokens, upper_output_tokens, upper_cost_pico, budgets, waited_ms, waited_for, instead_of)
      values (step->>'key', 1, step->>'tenant', step->>'scope', step->>'runId', step->>'kind', step->>'name', step->>'owner',
        (step->>'attempt')::int, coalesce(c->>'alias', step->>'alias'), coalesce(c->>'provider', step->>'provider'),
        coalesce(c->>'model', step->>'model'), 'sent', coalesce(c->>'inputTokens', step->>'inputTokens')::bigint,
        coalesce(c->>'outputTokens', step->>'outputTokens')::bigint, coalesce(c->>'cost', step->>'cost')::bigint,
        array(select jsonb_array_elements_text(verdict->'budgets')), (verdict->>'waitedMs')::bigint, verdict->>'waitedFor',
        nullif(verdict->'skipped', '[]')::text);
    end if;
    return next;
  end loop;
end
$$;

-- Which thresholds of budgets ({key: [share]}) are reached and were not told: [{budget, threshold, share}], or null.
create function segno.warn_budgets(thresholds jsonb) returns jsonb
language plpgsql as $$
declare
  told jsonb;
begin
  with used as (
    select w.key, w.value as shares, greatest(segno.spent_share(b.calls_spent, b.calls_limit, b.calls_raised),
      segno.spent_share(b.tokens_spent, b.tokens_limit, b.tokens_raised),
      segno.spent_share(b.cost_spent, b.cost_limit, b.cost_raised)) as share
    from jsonb_each(thresholds) w join segno.budgets b on b.key = w.key
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

drop function segno.settle_and_warn(text, integer, jsonb, bigint);

-- Ends of attempts that come together: {endings: [{…}], nodes: [{n, …}], blobs: [{n, …}], settlements, warnAt}. n: which of the endings,
-- from 1. settled: the step has this ending now, by this call or an earlier one. warnings: of all of them, in the first row.
create function segno.settle_steps(p jsonb) returns table (n integer, settled boolean, warnings jsonb)
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

create function segno.lock_budgets(items jsonb) returns segno.budgets[]
language plpgsql as $$
declare
  keys text[] := array(select value->>'key' from jsonb_array_elements(items));
  budgets segno.budgets[];
  item jsonb;
begin
  select array_agg(l.b) into budgets from (select b from segno.budgets b where b.key = any(keys) order by b.key for update) l;
  if coalesce(cardinality(budgets), 0) = cardinality(keys) then return coalesce(budgets, '{}'); end if;
  budgets := '{}';
  for item in select value from jsonb_array_elements(items) order by value->>'key' loop
    budgets := budgets || segno.lock_budget(item);
  end loop;
  return budgets;
end
$$;

create function segno.store_budgets(budgets segno.budgets[]) returns void
language plpgsql as $$
begin
  update segno.budgets b set calls_limit = n.calls_limit, tokens_limit = n.tokens_limit, cost_limit = n.cost_limit,
    calls_held = n.calls_held, tokens_held = n.tokens_held, cost_held = n.cost_held,
    calls_spent = n.calls_spent, tokens_spent = n.tokens_spent, cost_spent = n.cost_spent
  from unnest(budgets) n where b.key = n.key;
end
$$;

create function segno.roll_gate(g segno.gates, now_slot bigint) returns segno.gates
language plpgsql immutable as $$
begin
  if now_slot > g.newest then
    g.requests := segno.window_at(g.requests, g.newest, now_slot);
    g.tokens := segno.window_at(g.tokens, g.newest, now_slot);
    g.cost := segno.window_at(g.cost, g.newest, now_slot);
    g.calls := segno.window_at(g.calls, g.newest, now_slot);
    g.faults := segno.window_at(g.faults, g.newest, now_slot);
    g.slow := segno.window_at(g.slow, g.newest, now_slot);
    g.spent := segno.window_at(g.spent, g.newest, now_slot);
    g.newest := now_slot;
  end if;
  return g;
end
$$;

create or replace function segno.lock_gate(item jsonb) returns segno.gates
language plpgsql as $$
declare
  g segno.gates;
begin
  select * into g from segno.gates where key = item->>'key' for update;
  if not found then
    insert into segno.gates (key, settings) values (item->>'key', item) on conflict (key) do nothing;
    select * into g from segno.gates where key = item->>'key' for update;
  end if;
  g.settings := item;
  return g;
end
$$;

-- With the settings of their items, as they stood in the ledger: roll_gate moves their windows on.
create function segno.lock_gates(items jsonb) returns segno.gates[]
language plpgsql as $$
declare
  keys text[] := array(select value->>'key' from jsonb_array_elements(items));
  gates segno.gates[];
  item jsonb;
begin
  select array_agg(l.g) into gates from (select g from segno.gates g where g.key = any(keys) order by g.key for update) l;
  if coalesce(cardinality(gates), 0) = cardinality(keys) then return coalesce(gates, '{}'); end if;
  gates := '{}';
  for item in select value from jsonb_array_elements(items) order by value->>'key' loop
    gates := gates || segno.lock_gate(item);
  end loop;
  return gates;
end
$$;

create function segno.store_gates(gates segno.gates[]) returns void
language plpgsql as $$
begin
  update segno.gates g set settings = n.settings, in_use = n.in_use, newest = n.newest, requests = n.requests,
    tokens = n.tokens, cost = n.cost, breaker = n.breaker, open_until = n.open_until, openings = n.openings,
    round = n.round, probing = n.probing, probed = n.probed, faults_in_row = n.faults_in_row, calls = n.calls,
    faults = n.faults, slow = n.slow, spent = n.spent, last_fault = n.last_fault, last_fault_at = n.last_fault_at,
    turn = n.turn, turns = n.turns
  from unnest(gates) n where g.key = n.key;
end
$$;

drop function segno.gate_wait(segno.gates, text, jsonb, bigint, bigint, bigint);

-- How a call stands to one gate's limits: null when it passes, else {at, for, waitMs, ahead}.
create function segno.gate_wait(g segno.gates, ask jsonb, need_tokens bigint, need_cost bigint, now_ms bigint, queued boolean)
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
  if queued and exists (
    select 1 from segno.tickets t where t.gate = g.key and t.step_key <> own_key and t.stays_until > clock_timestamp()
  ) then
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
create function segno.admit_group(p jsonb) returns jsonb
language plpgsql as $$
declare
  now_at timestamptz;
  now_ms bigint;
  now_slot bigint;
  queued boolean;
  ask jsonb;
  item jsonb;
  candidate jsonb;
  last boolean;
  b segno.budgets;
  g segno.gates;
  l segno.leases;
  i integer;
  budgets segno.budgets[];
  gates segno.gates[];
  leases segno.leases[] := '{}';
  budget_keys text[];
  gate_keys text[];
  own_budgets integer[];
  own_gates integer[];
  changed boolean := false;
  need_tokens bigint;
  need_cost bigint;
  obstacle jsonb;
  blocked jsonb;
  skipped jsonb;
  verdict jsonb;
  verdicts jsonb := '[]';
  probe_round integer;
  breaker_key text;
  since timestamptz;
  waited text;
  written bigint;
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
  for item in select value from jsonb_array_elements(p->'budgets') loop
    i := array_position(budget_keys, item->>'key');
    b := budgets[i];
    if row(b.calls_limit, b.tokens_limit, b.cost_limit) is distinct from
      row((item->>'calls')::bigint, (item->>'tokens')::bigint, (item->>'cost')::bigint) then
      b.calls_limit := item->>'calls';
      b.tokens_limit := item->>'tokens';
      b.cost_limit := item->>'cost';
      budgets[i] := b;
      changed := true;
    end if;
  end loop;
  for item in select value from jsonb_array_elements(p->'gates') loop
    i := array_position(gate_keys, item->>'key');
    g := gates[i];
    g.settings := item;
    gates[i] := g;
  end loop;
  queued := exists (select 1 from segno.tickets t where t.gate = any(gate_keys))
    or exists (select 1 from segno.tickets t
      where t.step_key = any(array(select value->>'key' from jsonb_array_elements(p->'asks'))));

  for ask in select value from jsonb_array_elements(p->'asks') loop
    own_budgets := array(select array_position(budget_keys, k) from jsonb_array_elements_text(ask->'budgets') k);
    skipped := '[]';
    verdict := null;
    for candidate, last in
      select value, ordinality = jsonb_array_length(ask->'candidates')
      from jsonb_array_elements(ask->'candidates') with ordinality order by ordinality
    loop
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

      own_gates := array(select array_position(gate_keys, k) from jsonb_array_elements_text(candidate->'gates') k);
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
      l := null;
      l.step_key := ask->>'key';
      l.epoch := ask->>'epoch';
      l.tenant := ask->>'tenant';
      l.scope := ask->>'scope';
      l.budgets := array(select jsonb_array_elements_text(ask->'budgets'));
      l.gates := array(select jsonb_array_elements_text(candidate->'gates'));
      l.breaker_gate := breaker_key;
      l.probe_of := probe_round;
      l.slot := now_slot;
      l.tokens := need_tokens;
      l.cost := need_cost;
      l.lease_until := now_at + (ask->>'leaseMs')::float8 * interval '1 ms';
      leases := leases || l;
      verdict := jsonb_build_object('do', 'go', 'candidate', candidate, 'skipped', skipped, 'budgets', ask->'budgets',
        'waitedMs', floor(extract(epoch from now_at - since) * 1000), 'waitedFor', waited);
      exit;
    end loop;
    if verdict is null then raise exception 'the gate was asked for no candidate'; end if;
    verdicts := verdicts || verdict;
  end loop;

  if changed or cardinality(leases) > 0 then perform segno.store_budgets(budgets); end if;
  if cardinality(leases) > 0 then
    perform segno.store_gates(gates);
    insert into segno.leases (step_key, epoch, tenant, scope, budgets, gates, breaker_gate, probe_of, slot, tokens, cost, lease_until)
    select r.step_key, r.epoch, r.tenant, r.scope, r.budgets, r.gates, r.breaker_gate, r.probe_of, r.slot, r.tokens, r.cost, r.lease_until
    from unnest(leases) r order by r.step_key on conflict do nothing;
    get diagnostics written = row_count;
    if written < cardinality(leases) then
      -- Another attempt took one of these very leases since its step was read: a lost race, and the statement is made again.
      raise exception 'another attempt was admitted' using errcode = '40001';
    end if;
  end if;
  return verdicts;
end
$$;

-- One call.
create or replace function segno.admit(p_key text, p_epoch integer, p jsonb) returns jsonb
language plpgsql as $$
begin
  return segno.admit_group(jsonb_build_object('budgets', p->'budgets', 'gates', p->'gates', 'asks', jsonb_build_array(
    p || jsonb_build_object('key', p_key, 'epoch', p_epoch, 'gates', null, 'budgets',
      (select coalesce(jsonb_agg(value->'key'), '[]') from jsonb_array_elements(p->'budgets'))))))->0;
end
$$;

-- What becomes of calls that end together: [{key, epoch, calls, tokens, cost, health, durationMs, fault, remaining}]. Once each: its
-- lease is gone then. How many had one.
create function segno.settle_group(outcomes jsonb) returns integer
language plpgsql as $$
declare
  now_at timestamptz;
  l segno.leases;
  b segno.budgets;
  g segno.gates;
  leases segno.leases[];
  ended jsonb[];
  outcome jsonb;
  budgets segno.budgets[];
  gates segno.gates[];
  budget_keys text[];
  gate_keys text[];
  key text;
  was_open boolean;
  room bigint;
  n integer;
  i integer;
begin
  with gone as (
    delete from segno.leases d using jsonb_array_elements(outcomes) o
    where d.step_key = o.value->>'key' and d.epoch = (o.value->>'epoch')::int
    returning d, o.value as outcome
  )
  select array_agg(gone.d), array_agg(gone.outcome) into leases, ended from gone;
  if leases is null then return 0; end if;
  select array_agg(distinct k) into budget_keys from unnest(leases) r cross join unnest(r.budgets) k;
  select array_agg(distinct k) into gate_keys from unnest(leases) r cross join unnest(r.gates) k;
  select array_agg(x.r) into budgets from (select r from segno.budgets r where r.key = any(budget_keys) order by r.key for update) x;
  select array_agg(x.r) into gates from (select r from segno.gates r where r.key = any(gate_keys) order by r.key for update) x;
  now_at := clock_timestamp();
  budget_keys := '{}';
  gate_keys := '{}';
  for i in 1..coalesce(cardinality(budgets), 0) loop budget_keys[i] := budgets[i].key; end loop;
  for i in 1..coalesce(cardinality(gates), 0) loop
    gate_keys[i] := gates[i].key;
    gates[i] := segno.roll_gate(gates[i], floor(extract(epoch from now_at) / 5)::bigint);
  end loop;

  for n in 1..cardinality(leases) loop
    l := leases[n];
    outcome := ended[n];
    was_open := l.state = 'open';
    foreach key in array l.budgets loop
      i := array_position(budget_keys, key);
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
    foreach key in array l.gates loop
      i := array_position(gate_keys, key);
      continue when i is null;
      g := gates[i];
      g.requests := segno.window_add(g.requests, g.newest, l.slot, (outcome->>'calls')::bigint - 1);
      g.tokens := segno.window_add(g.tokens, g.newest, l.slot, (outcome->>'tokens')::bigint - l.tokens);
      g.cost := segno.window_add(g.cost, g.newest, l.slot, (outcome->>'cost')::bigint - l.cost);
      if was_open then g.in_use := greatest(0, g.in_use - 1); end if;
      -- The provider knows of calls that are not ours.
      if outcome->'remaining' <> '{}' and key not like 'tenant/%' then
        room := (g.settings->>'requests')::bigint - segno.window_sum(g.requests) - (outcome->'remaining'->>'requests')::bigint;
        if room > 0 then g.requests := segno.window_add(g.requests, g.newest, g.newest, room); end if;
        room := (g.settings->>'tokens')::bigint - segno.window_sum(g.tokens) - (outcome->'remaining'->>'tokens')::bigint;
        if room > 0 then g.tokens := segno.window_add(g.tokens, g.newest, g.newest, room); end if;
      end if;
      if was_open and key = l.breaker_gate and g.settings ? 'breaker' then
        if outcome->>'health' = 'fault' then
          g.last_fault := outcome->>'fault';
          g.last_fault_at := now_at;
        end if;
        g := segno.after_call(g, outcome, l.probe_of, now_at);
      end if;
      gates[i] := g;
    end loop;
  end loop;
  if budgets is not null then perform segno.store_budgets(budgets); end if;
  if gates is not null then perform segno.store_gates(gates); end if;
  return cardinality(leases);
end
$$;

drop function segno.settle(text, integer, jsonb, bigint);
`;

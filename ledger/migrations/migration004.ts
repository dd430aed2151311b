/**
 * The gate: budgets, the limits and breakers of providers, the leases of calls under way, and who waits.
 *
 * The functions decide as core/admission does, where the rows are locked: one round trip, whoever else asks.
 *
 * Invariants:
 * 1. Locks are taken in one order: the step's own row and lease, then budgets by key, then gates by key. No two calls wait for each
 *    other in a circle.
 * 2. Isolation is read committed: every row that is decided on was locked before it was read.
 * 3. What a call may cost at most is held of every budget from `admit` to `settle` or `expire_lease`; one of the two takes it back, once.
 * 4. Amounts of money are whole pico-USD, slots are of five seconds (core/admission/slidingWindow.ts).
 */
export const migration004 = `
create table segno.budgets (
  key text primary key,
  tenant text not null,
  scope text,
  calls_limit bigint,
  tokens_limit bigint,
  cost_limit bigint,
  calls_raised bigint not null default 0,
  tokens_raised bigint not null default 0,
  cost_raised bigint not null default 0,
  calls_held bigint not null default 0,
  tokens_held bigint not null default 0,
  cost_held bigint not null default 0,
  calls_spent bigint not null default 0,
  tokens_spent bigint not null default 0,
  cost_spent bigint not null default 0,
  ends_at timestamptz,
  created_at timestamptz not null default now()
) with (fillfactor = 50);
create index budgets_by_scope on segno.budgets (tenant, scope);

create table segno.gates (
  key text primary key,
  settings jsonb not null,
  in_use integer not null default 0,
  newest bigint not null default 0,
  requests bigint[] not null default array_fill(0::bigint, array[13]),
  tokens bigint[] not null default array_fill(0::bigint, array[13]),
  cost bigint[] not null default array_fill(0::bigint, array[13]),
  breaker text not null default 'closed' check (breaker in ('closed', 'open', 'halfOpen')),
  open_until timestamptz,
  openings integer not null default 0,
  round integer not null default 0,
  probing integer not null default 0,
  probed integer not null default 0,
  faults_in_row integer not null default 0,
  calls bigint[] not null default array_fill(0::bigint, array[13]),
  faults bigint[] not null default array_fill(0::bigint, array[13]),
  slow bigint[] not null default array_fill(0::bigint, array[13]),
  spent bigint[] not null default array_fill(0::bigint, array[13]),
  last_fault text,
  last_fault_at timestamptz,
  turn bigint not null default 0,
  turns jsonb not null default '{}'
) with (fillfactor = 50);

create table segno.leases (
  step_key text not null,
  epoch integer not null,
  tenant text not null,
  scope text not null,
  state text not null default 'open' check (state in ('open', 'spent')),
  budgets text[] not null,
  gates text[] not null,
  breaker_gate text,
  probe_of integer,
  slot bigint not null,
  tokens bigint not null,
  cost bigint not null,
  admitted_at timestamptz not null default now(),
  lease_until timestamptz not null,
  primary key (step_key, epoch)
) with (fillfactor = 50);
create index leases_open on segno.leases (lease_until) where state = 'open';
create index leases_by_scope on segno.leases (tenant, scope);

create table segno.tickets (
  gate text not null,
  step_key text not null,
  tenant text not null,
  scope text not null,
  priority integer not null,
  tokens bigint not null,
  cost bigint not null,
  reason text not null,
  created_at timestamptz not null default clock_timestamp(),
  stays_until timestamptz not null,
  primary key (step_key, gate)
) with (fillfactor = 50);
create index tickets_by_gate on segno.tickets (gate, stays_until);

alter table segno.attempts
  add column budgets text[],
  add column waited_ms bigint,
  add column waited_for text,
  add column instead_of text;
create index attempts_by_budget on segno.attempts using gin (budgets) where budgets is not null;

-- All functions are PL/pgSQL: it keeps their plans, where SQL functions are planned anew at each call.
create function segno.window_at(slots bigint[], newest bigint, now_slot bigint) returns bigint[]
language plpgsql immutable as $$
begin
  return case
    when now_slot <= newest then slots
    when now_slot - newest >= 13 then array_fill(0::bigint, array[13])
    else (array_fill(0::bigint, array[(now_slot - newest)::int]) || slots)[1:13]
  end;
end
$$;

create function segno.window_sum(slots bigint[]) returns bigint
language plpgsql immutable as $$
declare
  used bigint := 0;
  slot bigint;
begin
  foreach slot in array slots loop used := used + slot; end loop;
  return used;
end
$$;

create function segno.window_add(slots bigint[], newest bigint, slot bigint, amount bigint) returns bigint[]
language plpgsql immutable as $$
begin
  if newest - slot between 0 and 12 then
    slots[(newest - slot)::int + 1] := slots[(newest - slot)::int + 1] + amount;
  end if;
  return slots;
end
$$;

create function segno.window_wait_ms(slots bigint[], need bigint, most bigint, now_ms bigint) returns bigint
language plpgsql immutable as $$
declare
  room bigint := most - least(need, most);
  used bigint := segno.window_sum(slots);
begin
  if most is null or used <= room then return 0; end if;
  for gone in 1..13 loop
    used := used - slots[14 - gone];
    if used <= room then return 5000 - now_ms % 5000 + (gone - 1) * 5000; end if;
  end loop;
  return 5000 - now_ms % 5000 + 65000;
end
$$;

create function segno.lock_budget(item jsonb) returns segno.budgets
language plpgsql as $$
declare
  b segno.budgets;
begin
  select * into b from segno.budgets where key = item->>'key' for update;
  if not found then
    insert into segno.budgets (key, tenant, scope, calls_limit, tokens_limit, cost_limit, ends_at)
    values (item->>'key', item->>'tenant', item->>'scope', (item->>'calls')::bigint, (item->>'tokens')::bigint,
      (item->>'cost')::bigint, clock_timestamp() + (item->>'wallMs')::float8 * interval '1 ms')
    on conflict (key) do nothing;
    select * into b from segno.budgets where key = item->>'key' for update;
  end if;
  if row(b.calls_limit, b.tokens_limit, b.cost_limit) is distinct from
     row((item->>'calls')::bigint, (item->>'tokens')::bigint, (item->>'cost')::bigint) then
    update segno.budgets set calls_limit = (item->>'calls')::bigint, tokens_limit = (item->>'tokens')::bigint,
      cost_limit = (item->>'cost')::bigint where key = b.key returning * into b;
  end if;
  return b;
end
$$;

create function segno.lock_gate(item jsonb) returns segno.gates
language plpgsql as $$
declare
  g segno.gates;
  now_slot bigint;
begin
  select * into g from segno.gates where key = item->>'key' for update;
  if not found then
    insert into segno.gates (key, settings) values (item->>'key', item) on conflict (key) do nothing;
    select * into g from segno.gates where key = item->>'key' for update;
  end if;
  g.settings := item;
  now_slot := floor(extract(epoch from clock_timestamp()) / 5);
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

create function segno.store_gate(g segno.gates) returns void
language plpgsql as $$
begin
  update segno.gates set settings = g.settings, in_use = g.in_use, newest = g.newest, requests = g.requests,
    tokens = g.tokens, cost = g.cost, breaker = g.breaker, open_until = g.open_until, openings = g.openings,
    round = g.round, probing = g.probing, probed = g.probed, faults_in_row = g.faults_in_row, calls = g.calls,
    faults = g.faults, slow = g.slow, spent = g.spent, last_fault = g.last_fault, last_fault_at = g.last_fault_at,
    turn = g.turn, turns = g.turns
  where key = g.key;
end
$$;

-- Those who wait are served by priority, then tenants in turn (start-time fair queuing, Goyal et al. 1996): a tenant's turn goes
-- up by one with each of its calls, and one that has not waited begins where the queue is.
create function segno.take_turn(g segno.gates, tenant text) returns segno.gates
language plpgsql as $$
declare
  own bigint := greatest((g.turns->>tenant)::bigint, g.turn);
begin
  if not exists (select 1 from segno.tickets t where t.gate = g.key) then
    g.turn := 0;
    g.turns := '{}';
    return g;
  end if;
  g.turn := own;
  select coalesce(jsonb_object_agg(key, value), '{}') || jsonb_build_object(tenant, own + 1) into g.turns
  from jsonb_each(g.turns) where value::bigint > own;
  return g;
end
$$;

-- How a call stands to one gate's limits: null when it passes, else {gate, for, waitMs, ahead}.
create function segno.gate_wait(g segno.gates, p_key text, p jsonb, need_tokens bigint, need_cost bigint, now_ms bigint)
returns jsonb
language plpgsql as $$
declare
  most jsonb := g.settings;
  ahead bigint := 0;
  ahead_tokens bigint := 0;
  ahead_cost bigint := 0;
  reason text;
  wait_ms bigint := 0;
  own bigint;
begin
  if not most ?| array['concurrency', 'requests', 'tokens', 'cost'] then return null; end if;
  if exists (select 1 from segno.tickets t where t.gate = g.key and t.step_key <> p_key and t.stays_until > clock_timestamp()) then
    with waiting as (
      select t.step_key, t.tenant, t.priority, t.tokens, t.cost, t.created_at from segno.tickets t
      where t.gate = g.key and (t.stays_until > clock_timestamp() or t.step_key = p_key)
      union all
      select p_key, p->>'tenant', (p->>'priority')::int, need_tokens, need_cost, clock_timestamp()
      where not exists (select 1 from segno.tickets t where t.gate = g.key and t.step_key = p_key)
    ), queue as (
      select w.*, greatest((g.turns->>w.tenant)::bigint, g.turn)
        + row_number() over (partition by w.tenant order by w.priority, w.created_at, w.step_key) as turn
      from waiting w
    ), me as (select * from queue where step_key = p_key)
    select count(*), coalesce(sum(t.tokens), 0), coalesce(sum(t.cost), 0) into ahead, ahead_tokens, ahead_cost
    from queue t, me where (t.priority, t.turn, t.created_at, t.step_key) < (me.priority, me.turn, me.created_at, me.step_key);
  end if;
  if g.in_use + ahead >= (most->>'concurrency')::bigint then
    reason := 'concurrency';
    wait_ms := least(2000, 100 + 100 * ahead / greatest(1, (most->>'concurrency')::bigint));
  end if;
  own := segno.window_wait_ms(g.requests, ahead + 1, (most->>'requests')::bigint, now_ms);
  if own > wait_ms then reason := 'requests'; wait_ms := own; end if;
  own := segno.window_wait_ms(g.tokens, ahead_tokens + need_tokens, (most->>'tokens')::bigint, now_ms);
  if own > wait_ms then reason := 'tokens'; wait_ms := own; end if;
  own := segno.window_wait_ms(g.cost, ahead_cost + need_cost, (most->>'cost')::bigint, now_ms);
  if own > wait_ms then reason := 'cost'; wait_ms := own; end if;
  if reason is null then return null; end if;
  return jsonb_build_object('at', g.key, 'for', reason, 'waitMs', wait_ms, 'ahead', ahead);
end
$$;

-- The verdict on one model call: {do: go, candidate, waitedMs, waitedFor, skipped} with its lease written,
-- {do: wait, waitMs, at, for, ahead}, or {do: exhausted, budget, for}.
create function segno.admit(p_key text, p_epoch integer, p jsonb) returns jsonb
language plpgsql as $$
declare
  now_at timestamptz;
  now_ms bigint;
  now_slot bigint;
  item jsonb;
  candidate jsonb;
  last boolean;
  b segno.budgets;
  g segno.gates;
  budgets segno.budgets[] := '{}';
  gates segno.gates[] := '{}';
  need_tokens bigint;
  need_cost bigint;
  obstacle jsonb;
  blocked jsonb;
  skipped jsonb := '[]';
  probe_round integer;
  breaker_key text;
  since timestamptz;
  waited text;
begin
  for item in select value from jsonb_array_elements(p->'budgets') order by value->>'key' loop
    budgets := budgets || segno.lock_budget(item);
  end loop;
  for item in select value from jsonb_array_elements(p->'gates') order by value->>'key' loop
    gates := gates || segno.lock_gate(item);
  end loop;
  now_at := clock_timestamp();
  now_ms := floor(extract(epoch from now_at) * 1000);
  now_slot := now_ms / 5000;

  for candidate, last in
    select value, ordinality = jsonb_array_length(p->'candidates')
    from jsonb_array_elements(p->'candidates') with ordinality order by ordinality
  loop
    need_tokens := (candidate->>'inputTokens')::bigint + (candidate->>'outputTokens')::bigint;
    need_cost := (candidate->>'cost')::bigint;
    blocked := null;
    obstacle := null;

    foreach b in array budgets loop
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
      if last or not coalesce(candidate->'skipOn' ? 'budget', false) then return obstacle || jsonb_build_object('skipped', skipped); end if;
      skipped := skipped || jsonb_build_object('alias', candidate->>'alias', 'for', 'budget');
      continue;
    end if;

    probe_round := null;
    breaker_key := null;
    foreach g in array gates loop
      continue when not (candidate->'gates' ? g.key);
      if g.settings ? 'breaker' then
        breaker_key := g.key;
        if g.breaker = 'open' and g.open_until > now_at then
          obstacle := jsonb_build_object('at', g.key, 'for', 'outage', 'ahead', 0,
            'waitMs', ceil(extract(epoch from g.open_until - now_at) * 1000));
        elsif g.breaker = 'halfOpen' and g.probing >= (g.settings->'breaker'->>'probes')::int then
          obstacle := jsonb_build_object('at', g.key, 'for', 'outage', 'ahead', 0, 'waitMs', 500);
        elsif g.breaker <> 'closed' then
          probe_round := g.round;
        end if;
      end if;
    end loop;
    if obstacle is not null and not last and candidate->'skipOn' ? 'outage' then
      skipped := skipped || jsonb_build_object('alias', candidate->>'alias', 'for', 'outage');
      continue;
    end if;
    blocked := coalesce(obstacle, blocked);

    foreach g in array gates loop
      continue when not (candidate->'gates' ? g.key);
      obstacle := segno.gate_wait(g, p_key, p, need_tokens, need_cost, now_ms);
      if obstacle is not null and (blocked is null or (obstacle->>'waitMs')::bigint > (blocked->>'waitMs')::bigint) then
        blocked := obstacle;
      end if;
    end loop;
    if blocked is not null then
      insert into segno.tickets (gate, step_key, tenant, scope, priority, tokens, cost, reason, stays_until)
      values (blocked->>'at', p_key, p->>'tenant', p->>'scope', (p->>'priority')::int, need_tokens, need_cost,
        blocked->>'for', clock_timestamp() + ((blocked->>'waitMs')::float8 + 3000) * interval '1 ms')
      on conflict (step_key, gate) do update set stays_until = excluded.stays_until, reason = excluded.reason;
      return blocked || jsonb_build_object('do', 'wait', 'skipped', skipped);
    end if;

    foreach b in array budgets loop
      update segno.budgets set calls_held = calls_held + 1, tokens_held = tokens_held + need_tokens,
        cost_held = cost_held + need_cost where key = b.key;
    end loop;
    foreach g in array gates loop
      continue when not (candidate->'gates' ? g.key);
      g := segno.take_turn(g, p->>'tenant');
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
      perform segno.store_gate(g);
    end loop;
    with gone as (delete from segno.tickets where step_key = p_key returning created_at, gate, reason)
    select created_at, reason || ' at ' || gate into since, waited from gone order by created_at limit 1;
    insert into segno.leases (step_key, epoch, tenant, scope, budgets, gates, breaker_gate, probe_of, slot, tokens, cost, lease_until)
    values (p_key, p_epoch, p->>'tenant', p->>'scope',
      array(select value->>'key' from jsonb_array_elements(p->'budgets')),
      array(select jsonb_array_elements_text(candidate->'gates')),
      breaker_key, probe_round, now_slot, need_tokens, need_cost,
      clock_timestamp() + (p->>'leaseMs')::float8 * interval '1 ms')
    on conflict do nothing;
    if not found then
      -- Another attempt took this very lease since the step was read: a lost race, and the statement is made again.
      raise exception 'another attempt of % was admitted', p_key using errcode = '40001';
    end if;
    return jsonb_build_object('do', 'go', 'candidate', candidate, 'skipped', skipped,
      'budgets', (select coalesce(jsonb_agg(value->>'key'), '[]') from jsonb_array_elements(p->'budgets')),
      'waitedMs', floor(extract(epoch from clock_timestamp() - since) * 1000), 'waitedFor', waited);
  end loop;
  raise exception 'admit was asked for no candidate';
end
$$;

create function segno.close_breaker(g segno.gates) returns segno.gates
language plpgsql immutable as $$
begin
  g.probing := 0;
  g.probed := 0;
  g.faults_in_row := 0;
  g.calls := array_fill(0::bigint, array[13]);
  g.faults := g.calls;
  g.slow := g.calls;
  g.spent := g.calls;
  return g;
end
$$;

create function segno.open_breaker(g segno.gates, now_at timestamptz) returns segno.gates
language plpgsql immutable as $$
begin
  g := segno.close_breaker(g);
  g.breaker := 'open';
  g.open_until := now_at + least((g.settings->'breaker'->>'openMs')::float8 * 2 ^ least(g.openings, 30),
    (g.settings->'breaker'->>'longestOpenMs')::float8) * interval '1 ms';
  g.openings := g.openings + 1;
  g.round := g.round + 1;
  return g;
end
$$;

create function segno.after_call(g segno.gates, outcome jsonb, probe_of integer, now_at timestamptz) returns segno.gates
language plpgsql immutable as $$
declare
  health text := outcome->>'health';
  s jsonb := g.settings->'breaker';
  total bigint;
begin
  if g.breaker = 'closed' then
    if health = 'neutral' then return g; end if;
    g.faults_in_row := case when health = 'fault' then g.faults_in_row + 1 else 0 end;
    g.calls := segno.window_add(g.calls, g.newest, g.newest, 1);
    if health = 'fault' then g.faults := segno.window_add(g.faults, g.newest, g.newest, 1); end if;
    if (outcome->>'durationMs')::float8 > (s->>'slowCallMs')::float8 then
      g.slow := segno.window_add(g.slow, g.newest, g.newest, 1);
    end if;
    g.spent := segno.window_add(g.spent, g.newest, g.newest, (outcome->>'cost')::bigint);
    total := segno.window_sum(g.calls);
    if g.faults_in_row >= (s->>'consecutive')::int or segno.window_sum(g.spent) > (s->>'cost')::bigint
      or (total >= (s->>'minCalls')::int and (segno.window_sum(g.faults) >= (s->>'errorRate')::float8 * total
        or segno.window_sum(g.slow) >= (s->>'slowRate')::float8 * total)) then
      return segno.open_breaker(g, now_at);
    end if;
    return g;
  end if;
  if g.breaker = 'open' or probe_of is distinct from g.round then return g; end if;
  if health = 'fault' then return segno.open_breaker(g, now_at); end if;
  g.probing := greatest(0, g.probing - 1);
  if health = 'neutral' then return g; end if;
  g.probed := g.probed + 1;
  if g.probed < (s->>'probes')::int then return g; end if;
  g := segno.close_breaker(g);
  g.breaker := 'closed';
  g.openings := 0;
  return g;
end
$$;

-- What becomes of a call's lease: {calls, tokens, cost, health, durationMs, fault, sent, remaining}. Once: the lease is gone then.
-- p_after: what the statement around it did before, so that budgets are locked last and shortest.
create function segno.settle(p_key text, p_epoch integer, outcome jsonb, p_after bigint) returns boolean
language plpgsql as $$
declare
  l segno.leases;
  g segno.gates;
  gate text;
  was_open boolean;
  room bigint;
begin
  delete from segno.leases where step_key = p_key and epoch = p_epoch returning * into l;
  if not found then return false; end if;
  was_open := l.state = 'open';
  perform 1 from segno.budgets where key = any(l.budgets) order by key for update;
  update segno.budgets set
    calls_held = calls_held - was_open::int,
    tokens_held = tokens_held - case when was_open then l.tokens else 0 end,
    cost_held = cost_held - case when was_open then l.cost else 0 end,
    calls_spent = calls_spent + (outcome->>'calls')::bigint - (not was_open)::int,
    tokens_spent = tokens_spent + (outcome->>'tokens')::bigint - case when was_open then 0 else l.tokens end,
    cost_spent = cost_spent + (outcome->>'cost')::bigint - case when was_open then 0 else l.cost end
  where key = any(l.budgets);
  for gate in select unnest(l.gates) order by 1 loop
    select * into g from segno.gates where key = gate;
    continue when not found;
    g := segno.lock_gate(g.settings);
    g.requests := segno.window_add(g.requests, g.newest, l.slot, (outcome->>'calls')::bigint - 1);
    g.tokens := segno.window_add(g.tokens, g.newest, l.slot, (outcome->>'tokens')::bigint - l.tokens);
    g.cost := segno.window_add(g.cost, g.newest, l.slot, (outcome->>'cost')::bigint - l.cost);
    if was_open then g.in_use := greatest(0, g.in_use - 1); end if;
    -- The provider knows of calls that are not ours.
    if gate not like 'tenant/%' then
      room := (g.settings->>'requests')::bigint - segno.window_sum(g.requests) - (outcome->'remaining'->>'requests')::bigint;
      if room > 0 then g.requests := segno.window_add(g.requests, g.newest, g.newest, room); end if;
      room := (g.settings->>'tokens')::bigint - segno.window_sum(g.tokens) - (outcome->'remaining'->>'tokens')::bigint;
      if room > 0 then g.tokens := segno.window_add(g.tokens, g.newest, g.newest, room); end if;
    end if;
    if was_open and gate = l.breaker_gate and g.settings ? 'breaker' then
      if outcome->>'health' = 'fault' then
        g.last_fault := outcome->>'fault';
        g.last_fault_at := clock_timestamp();
      end if;
      g := segno.after_call(g, outcome, l.probe_of, clock_timestamp());
    end if;
    perform segno.store_gate(g);
  end loop;
  return true;
end
$$;

-- A call of which nobody knows what became: it counts as spent at its upper bound until its settlement comes after all.
create function segno.expire_lease(p_key text, p_epoch integer, only_due boolean) returns boolean
language plpgsql as $$
declare
  l segno.leases;
  g segno.gates;
  gate text;
begin
  update segno.leases set state = 'spent'
  where step_key = p_key and epoch = p_epoch and state = 'open' and (not only_due or lease_until <= clock_timestamp())
  returning * into l;
  if not found then return false; end if;
  perform 1 from segno.budgets where key = any(l.budgets) order by key for update;
  update segno.budgets set
    calls_held = calls_held - 1, tokens_held = tokens_held - l.tokens, cost_held = cost_held - l.cost,
    calls_spent = calls_spent + 1, tokens_spent = tokens_spent + l.tokens, cost_spent = cost_spent + l.cost
  where key = any(l.budgets);
  for gate in select unnest(l.gates) order by 1 loop
    select * into g from segno.gates where key = gate for update;
    continue when not found;
    g.in_use := greatest(0, g.in_use - 1);
    if gate = l.breaker_gate and g.breaker = 'halfOpen' and l.probe_of = g.round then
      g.probing := greatest(0, g.probing - 1);
    end if;
    perform segno.store_gate(g);
  end loop;
  update segno.attempts set state = 'lost', finished_at = now(), input_tokens = upper_input_tokens,
    output_tokens = upper_output_tokens, cached_input_tokens = 0, cost_pico = upper_cost_pico, estimated = true
  where step_key = p_key and epoch = p_epoch and state = 'sent';
  return true;
end
$$;
`;

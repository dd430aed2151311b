/** The gates: limits of providers, models and tenants. Who waits at one is served by priority, then tenants in turn. */
export const gateFunctions = `
-- With the settings of their items: [{key, …}], and as they stood in the ledger: roll_gate moves their windows on.
create or replace function segno.lock_gates(items jsonb) returns segno.gates[]
language plpgsql as $$
declare
  gates segno.gates[] := '{}';
  item jsonb;
  g segno.gates;
begin
  for item in select value from jsonb_array_elements(items) order by value->>'key' loop
    select * into g from segno.gates where key = item->>'key' for update;
    if not found then
      insert into segno.gates (key, settings) values (item->>'key', item) on conflict (key) do nothing;
      select * into g from segno.gates where key = item->>'key' for update;
    end if;
    g.settings := item;
    gates := gates || g;
  end loop;
  return gates;
end
$$;

create or replace function segno.roll_gate(g segno.gates, now_slot bigint) returns segno.gates
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
      turn = n.turn, turns = n.turns, call_ms = n.call_ms, paused_until = n.paused_until
    where g.key = n.key;
  end loop;
end
$$;

-- Those who wait are served by priority, then tenants in turn (start-time fair queuing, Goyal et al. 1996): a tenant's turn goes
-- up by one with each of its calls, and one that has not waited begins where the queue is.
create or replace function segno.take_turn(g segno.gates, tenant text) returns segno.gates
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

-- So long a pause, 10 s at most, that all who wait at one key together ask some fifty times a second.
create or replace function segno.pace_ms(p_key text) returns bigint
language plpgsql as $$
begin
  return (select least(10000, 20 * count(*)) from segno.tickets t where t.gate = p_key and t.stays_until > clock_timestamp());
end
$$;

-- How a call stands to one gate's limits: null when it passes, else {at, for, waitMs, ahead}. Who waits for others to end asks again when
-- they may have ended, by how long calls took lately (Little 1961): a long queue must not be busy with asking.
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
  if g.paused_until > clock_timestamp() then
    return jsonb_build_object('at', g.key, 'for', 'rateLimit', 'ahead', 0,
      'waitMs', ceil(extract(epoch from g.paused_until - clock_timestamp()) * 1000) + segno.pace_ms(g.key));
  end if;
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
    wait_ms := least(10000, 100 + greatest(100, g.call_ms) * ahead / greatest(1, (most->>'concurrency')::bigint));
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
`;

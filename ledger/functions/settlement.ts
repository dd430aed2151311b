/** What becomes of a call that was admitted: settled by who made it, or expired. The order of locks is that of admission.ts. */
export const settlementFunctions = `
-- What becomes of calls that end together: [{key, epoch, calls, tokens, cost, health, durationMs, fault, remaining, pauseMs}]. Once each: its
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
      if was_open then
        g.in_use := greatest(0, g.in_use - 1);
        g.call_ms := g.call_ms + ((outcome->>'durationMs')::float8 - g.call_ms) / 8;
      end if;
      -- The provider knows of calls that are not ours.
      if outcome->'remaining' <> '{}' and k not like 'tenant/%' then
        room := (g.settings->>'requests')::bigint - segno.window_sum(g.requests) - (outcome->'remaining'->>'requests')::bigint;
        if room > 0 then g.requests := segno.window_add(g.requests, g.newest, g.newest, room); end if;
        room := (g.settings->>'tokens')::bigint - segno.window_sum(g.tokens) - (outcome->'remaining'->>'tokens')::bigint;
        if room > 0 then g.tokens := segno.window_add(g.tokens, g.newest, g.newest, room); end if;
      end if;
      if was_open and k = l.breaker_gate and g.settings ? 'breaker' then
        if outcome ? 'pauseMs' then
          g.paused_until := greatest(g.paused_until, now_at + least(60000, (outcome->>'pauseMs')::float8) * interval '1 ms');
        end if;
        if outcome->>'health' = 'fault' or outcome ? 'pauseMs' then
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

-- A call of which nobody knows what became: it counts as spent at its upper bound until its settlement comes after all.
create or replace function segno.expire_lease(p_key text, p_epoch integer, only_due boolean) returns boolean
language plpgsql as $$
declare
  l segno.leases;
  g segno.gates;
  k text;
begin
  perform 1 from segno.attempts where step_key = p_key and epoch = p_epoch for update;
  update segno.leases set state = 'spent'
  where step_key = p_key and epoch = p_epoch and state = 'open' and (not only_due or lease_until <= clock_timestamp())
  returning * into l;
  if not found then return false; end if;
  for k in select distinct unnest(l.budgets) order by 1 loop
    update segno.budgets set
      calls_held = calls_held - 1, tokens_held = tokens_held - l.tokens, cost_held = cost_held - l.cost,
      calls_spent = calls_spent + 1, tokens_spent = tokens_spent + l.tokens, cost_spent = cost_spent + l.cost
    where key = k;
  end loop;
  for k in select distinct unnest(l.gates) order by 1 loop
    select * into g from segno.gates where key = k for update;
    continue when not found;
    g.in_use := greatest(0, g.in_use - 1);
    if k = l.breaker_gate and g.breaker = 'halfOpen' and l.probe_of = g.round then
      g.probing := greatest(0, g.probing - 1);
    end if;
    perform segno.store_gates(array[g]);
  end loop;
  update segno.attempts set state = 'lost', finished_at = now(), input_tokens = upper_input_tokens,
    output_tokens = upper_output_tokens, cached_input_tokens = 0, cost_pico = upper_cost_pico, estimated = true
  where step_key = p_key and epoch = p_epoch and state = 'sent';
  return true;
end
$$;
`;

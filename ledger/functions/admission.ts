/**
 * Whether calls may be made: what comes from one worker at the same time is decided together, one call after the other, as if each had
 * come alone. Each budget and each gate is locked once, read once and written once, however many calls meet there.
 *
 * The functions decide as core/admission does, where the rows are locked: one round trip, whoever else asks.
 *
 * Invariants:
 * 1. Locks are taken in one order: the step's own row, its attempt and lease, then budgets by key, then gates by key. No two calls wait for each
 *    other in a circle. A row that is missing is added while others are locked: two who add rows at once may wait for each other, and
 *    the database lets one of them try again.
 * 2. Isolation is read committed: every row that is decided on was locked before it was read.
 * 3. What a call may cost at most is held of every budget from `admit` to `settle_group` or `expire_lease`; one of the two takes it
 *    back, once.
 */
export const admissionFunctions = `
-- Calls that come together: {budgets, gates, asks: [{key, epoch, tenant, scope, leaseMs, priority, budgets: [key], candidates}]}.
-- A verdict each, in their order: {do: go, candidate, budgets, waitedMs, waitedFor, leftMs, skipped} with its lease written,
-- {do: wait, waitMs, at, for, ahead}, or {do: exhausted, budget, for}.
create or replace function segno.admit_group(p jsonb) returns jsonb
language plpgsql as $$
declare
  now_at timestamptz;
  now_ms bigint;
  now_slot bigint;
  queued boolean;
  ask jsonb;
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
  need_tokens bigint;
  need_cost bigint;
  obstacle jsonb;
  blocked jsonb;
  skipped jsonb;
  verdict jsonb;
  verdicts jsonb := '[]';
  probe_round integer;
  breaker_key text;
  paused boolean;
  ends timestamptz;
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
      ends := null;

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
          blocked := coalesce(blocked, jsonb_build_object('at', b.key, 'for', 'budget', 'ahead', 0,
            'waitMs', greatest(250, segno.pace_ms(b.key))));
        end if;
        exit when obstacle is not null;
        ends := least(ends, b.ends_at);
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
      paused := false;
      foreach i in array own_gates loop
        g := gates[i];
        if g.paused_until > now_at then paused := true; end if;
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
      if paused and not last and candidate->'skipOn' ? 'rateLimit' then
        skipped := skipped || jsonb_build_object('alias', candidate->>'alias', 'for', 'rateLimit');
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
        if ends is not null then
          blocked := blocked || jsonb_build_object('waitMs',
            least((blocked->>'waitMs')::bigint, ceil(extract(epoch from ends - now_at) * 1000)));
        end if;
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
        'waitedMs', floor(extract(epoch from now_at - since) * 1000), 'waitedFor', waited,
        'leftMs', ceil(extract(epoch from ends - now_at) * 1000));
      exit;
    end loop;
    if verdict is null then raise exception 'the gate was asked for no candidate'; end if;
    verdicts := verdicts || verdict;
  end loop;

  if cardinality(leases) > 0 then
    perform segno.store_budgets(budgets);
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
language plpgsql set enable_seqscan = off as $$
begin
  return segno.admit_group(jsonb_build_object('budgets', p->'budgets', 'gates', p->'gates', 'asks', jsonb_build_array(
    p || jsonb_build_object('key', p_key, 'epoch', p_epoch, 'gates', null, 'budgets',
      (select coalesce(jsonb_agg(value->'key'), '[]') from jsonb_array_elements(p->'budgets'))))))->0;
end
$$;
`;

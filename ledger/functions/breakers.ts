/** The circuit breaker of a gate, as core/admission/circuitBreaker.ts decides. */
export const breakerFunctions = `
create or replace function segno.close_breaker(g segno.gates) returns segno.gates
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

create or replace function segno.open_breaker(g segno.gates, now_at timestamptz) returns segno.gates
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

create or replace function segno.after_call(g segno.gates, outcome jsonb, probe_of integer, now_at timestamptz) returns segno.gates
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
`;

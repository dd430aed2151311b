/**
 * Budgets: found, kept, raised, and the thresholds that are told.
 *
 * Invariants:
 * 1. A raise counts once, by its id.
 * 2. Who is refused and who raises lock the budget's row: a raise sees every run that waits, or the run sees the raise.
 * 3. A threshold is told by the settlement that inserts its row, and by no other.
 */
export const budgetFunctions = `
-- With the limits of their items: [{key, tenant, scope, calls, tokens, cost, wallMs}]. One that is new begins now.
create or replace function segno.lock_budgets(items jsonb) returns segno.budgets[]
language plpgsql as $$
declare
  budgets segno.budgets[] := '{}';
  item jsonb;
  b segno.budgets;
begin
  for item in select value from jsonb_array_elements(items) order by value->>'key' loop
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
    budgets := budgets || b;
  end loop;
  return budgets;
end
$$;

create or replace function segno.store_budgets(budgets segno.budgets[]) returns void
language plpgsql as $$
declare
  n segno.budgets;
begin
  foreach n in array budgets loop
    update segno.budgets b set
      calls_held = n.calls_held, tokens_held = n.tokens_held, cost_held = n.cost_held,
      calls_spent = n.calls_spent, tokens_spent = n.tokens_spent, cost_spent = n.cost_spent
    where b.key = n.key;
  end loop;
end
$$;

-- How much of a limit is spent: 0 without one; a limit of nothing is used up.
create or replace function segno.spent_share(spent bigint, most bigint, raised bigint) returns float8
language plpgsql immutable as $$
begin
  return case when most is null then 0 when most + raised = 0 then 1 else spent::float8 / (most + raised) end;
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

-- A call that was refused waits for a raise: how often there was one so far, or null when the call would fit by now.
create or replace function segno.wait_for_raise(p jsonb) returns integer
language plpgsql as $$
declare
  b segno.budgets;
  so_far integer;
begin
  select * into b from segno.budgets where key = p->>'budget' for update;
  if coalesce(b.ends_at > clock_timestamp(), true)
    and coalesce(b.calls_spent + 1 <= b.calls_limit + b.calls_raised, true)
    and coalesce(b.tokens_spent + (p->>'tokens')::bigint <= b.tokens_limit + b.tokens_raised, true)
    and coalesce(b.cost_spent + (p->>'cost')::bigint <= b.cost_limit + b.cost_raised, true) then
    return null;
  end if;
  select count(*) into so_far from segno.budget_raises where budget = b.key;
  insert into segno.budget_waits (budget, namespace, workflow_id, raises, stays_until)
  values (b.key, p->>'namespace', p->>'workflowId', so_far, now() + (p->>'staysMs')::float8 * interval '1 ms')
  on conflict (budget, namespace, workflow_id) do update set
    raises = least(budget_waits.raises, excluded.raises), stays_until = greatest(budget_waits.stays_until, excluded.stays_until);
  return so_far;
end
$$;

-- How often the budget was raised so far, this time included; null when there is no such budget.
create or replace function segno.raise_budget(p_id text, p_key text, amounts jsonb, p_by text, p_scope text) returns integer
language plpgsql as $$
declare
  b segno.budgets;
begin
  select * into b from segno.budgets where key = p_key for update;
  if not found then return null; end if;
  insert into segno.budget_raises (id, budget, tenant, scope, calls, tokens, cost, wall_ms, raised_by)
  values (p_id, p_key, b.tenant, p_scope, coalesce((amounts->>'calls')::bigint, 0), coalesce((amounts->>'tokens')::bigint, 0),
    coalesce((amounts->>'cost')::bigint, 0), coalesce((amounts->>'wallMs')::bigint, 0), p_by)
  on conflict (id) do nothing;
  if found then
    update segno.budgets set
      calls_raised = calls_raised + coalesce((amounts->>'calls')::bigint, 0),
      tokens_raised = tokens_raised + coalesce((amounts->>'tokens')::bigint, 0),
      cost_raised = cost_raised + coalesce((amounts->>'cost')::bigint, 0),
      ends_at = case when amounts->>'wallMs' is null then ends_at
        else greatest(ends_at, clock_timestamp()) + (amounts->>'wallMs')::float8 * interval '1 ms' end
    where key = p_key;
  end if;
  return (select count(*) from segno.budget_raises where budget = p_key);
end
$$;
`;

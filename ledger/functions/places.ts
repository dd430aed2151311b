/**
 * Places of runs that name a concurrency key, as core/places.ts decides.
 *
 * Invariants:
 * 1. A place is taken, given and left under the lock of its key alone: no two calls wait for each other in a circle.
 * 2. Every statement after the lock sees what was committed before it (read committed).
 */
export const placeFunctions = `
create or replace function segno.lock_places(p_tenant text, p_key text) returns void
language plpgsql as $$
begin
  perform pg_advisory_xact_lock(hashtext('segno.places'), hashtext(p_tenant || '/' || p_key));
end
$$;

create or replace function segno.grant_places(p_tenant text, p_key text) returns void
language plpgsql as $$
declare
  held bigint;
  next record;
begin
  select count(*) into held from segno.places where tenant = p_tenant and key = p_key and state = 'holding';
  for next in
    select id, most from segno.places where tenant = p_tenant and key = p_key and state = 'waiting' and not cancelled order by seq
  loop
    exit when held >= next.most;
    update segno.places set state = 'holding', checked_at = clock_timestamp() where id = next.id;
    held := held + 1;
  end loop;
end
$$;

-- p: {id, tenant, key, workflowId, limit, seen, drop, giveWay}. With drop, one that would have to wait gets none:
-- {state: refused, holders: [workflow ids]}. Else {state, cancelled, givingWay: [{id, workflowId}]}.
create or replace function segno.take_place(p jsonb) returns jsonb
language plpgsql as $$
declare
  me segno.places;
  older bigint;
  giving_way jsonb := '[]';
begin
  perform segno.lock_places(p->>'tenant', p->>'key');
  select * into me from segno.places where id = p->>'id';
  if not found then
    insert into segno.places (id, tenant, key, workflow_id, most)
    values (p->>'id', p->>'tenant', p->>'key', p->>'workflowId', (p->>'limit')::int) returning * into me;
    perform segno.grant_places(me.tenant, me.key);
    select * into me from segno.places where id = me.id;
    if (p->>'drop')::boolean and me.state = 'waiting' then
      delete from segno.places where id = me.id;
      return jsonb_build_object('state', 'refused', 'holders', (
        select coalesce(jsonb_agg(workflow_id order by seq), '[]') from segno.places
        where tenant = me.tenant and key = me.key and state = 'holding'));
    end if;
  end if;
  if (p->>'seen')::boolean then
    update segno.places set seen = true, told = told or state = 'holding' where id = me.id returning * into me;
  end if;
  if (p->>'giveWay')::boolean and me.state = 'waiting' and not me.cancelled then
    select count(*) into older from segno.places where tenant = me.tenant and key = me.key and seq < me.seq;
    with chosen as (
      select id from segno.places where tenant = me.tenant and key = me.key and seq < me.seq
      order by seq limit greatest(0, older - (me.most - 1))
    ), marked as (
      update segno.places set cancelled = true from chosen where places.id = chosen.id returning places.id, places.workflow_id
    )
    select coalesce(jsonb_agg(jsonb_build_object('id', id, 'workflowId', workflow_id)), '[]') into giving_way from marked;
  end if;
  return jsonb_build_object('state', me.state, 'cancelled', me.cancelled, 'givingWay', giving_way);
end
$$;

create or replace function segno.leave_place(p_tenant text, p_key text, p_id text) returns void
language plpgsql as $$
begin
  perform segno.lock_places(p_tenant, p_key);
  delete from segno.places where id = p_id;
  perform segno.grant_places(p_tenant, p_key);
end
$$;
`;

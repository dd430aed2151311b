/**
 * Sliding windows of a minute in slots of five seconds, as core/admission/slidingWindow.ts reckons them.
 *
 * All functions of the ledger are PL/pgSQL: it keeps their plans, where SQL functions are planned anew at each call.
 */
export const windowFunctions = `
create or replace function segno.window_at(slots bigint[], newest bigint, now_slot bigint) returns bigint[]
language plpgsql immutable as $$
begin
  return case
    when now_slot <= newest then slots
    when now_slot - newest >= 13 then array_fill(0::bigint, array[13])
    else (array_fill(0::bigint, array[(now_slot - newest)::int]) || slots)[1:13]
  end;
end
$$;

create or replace function segno.window_sum(slots bigint[]) returns bigint
language plpgsql immutable as $$
declare
  used bigint := 0;
  slot bigint;
begin
  foreach slot in array slots loop used := used + slot; end loop;
  return used;
end
$$;

create or replace function segno.window_add(slots bigint[], newest bigint, slot bigint, amount bigint) returns bigint[]
language plpgsql immutable as $$
begin
  if newest - slot between 0 and 12 then
    slots[(newest - slot)::int + 1] := slots[(newest - slot)::int + 1] + amount;
  end if;
  return slots;
end
$$;

create or replace function segno.window_wait_ms(slots bigint[], need bigint, most bigint, now_ms bigint) returns bigint
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
`;

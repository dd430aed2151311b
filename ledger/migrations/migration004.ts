/**
 * The gate: budgets, the limits and breakers of providers, the leases of calls under way, and who waits.
 *
 * Amounts of money are whole pico-USD, slots are of five seconds (core/admission/slidingWindow.ts).
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
`;

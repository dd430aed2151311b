/** Budgets that are raised, the runs that wait for it, and the thresholds that were told. A raise's id: a step's key, or one a command makes up. */
export const migration007 = `
create table segno.budget_raises (
  id text primary key,
  budget text not null,
  tenant text not null,
  scope text,
  calls bigint not null,
  tokens bigint not null,
  cost bigint not null,
  wall_ms bigint not null,
  raised_by text,
  raised_at timestamptz not null default clock_timestamp()
);
create index budget_raises_by_budget on segno.budget_raises (budget);

create table segno.budget_waits (
  budget text not null,
  namespace text not null,
  workflow_id text not null,
  raises integer not null,
  stays_until timestamptz not null,
  primary key (budget, namespace, workflow_id)
);

create table segno.budget_warnings (
  budget text not null,
  threshold float8 not null,
  share float8 not null,
  told_at timestamptz not null default clock_timestamp(),
  primary key (budget, threshold)
);
`;

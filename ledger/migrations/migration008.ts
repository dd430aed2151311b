/**
 * What began since when, and the budgets of tenants and agents among those of all runs. Rows are written in the order of their time, so
 * an index of block ranges is enough: it costs a write nothing.
 */
export const migration008 = `
create index steps_by_time on segno.steps using brin (created_at) with (pages_per_range = 32);
create index attempts_by_time on segno.attempts using brin (started_at) with (pages_per_range = 32);
create index budgets_standing on segno.budgets (created_at) where scope is null;
`;

/** Functions of one row that those of many do the work of. */
export const migration013 = `
drop function if exists segno.store_gate(segno.gates);
drop function if exists segno.lock_gate(jsonb);
drop function if exists segno.lock_budget(jsonb);
`;

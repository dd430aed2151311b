/** Functions of one call that those of many calls replaced. A ledger that began after them never had them. */
export const migration009 = `
drop function if exists segno.settle_and_warn(text, integer, jsonb, bigint);
drop function if exists segno.settle(text, integer, jsonb, bigint);
drop function if exists segno.gate_wait(segno.gates, text, jsonb, bigint, bigint, bigint);
`;

/** Random values that the workers of a ledger share: see ledger/secrets.ts. */
export const migration010 = `
create table segno.secrets (name text primary key, value text not null, created_at timestamptz not null default now());
`;

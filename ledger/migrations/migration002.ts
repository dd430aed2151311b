/** The idempotency key of an effect that a retried run began: it keeps it. Null: the step's own key. */
export const migration002 = `
alter table segno.steps add column idempotency_key text;
`;

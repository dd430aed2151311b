/**
 * Indexes that a lookup by key cannot be led astray by.
 *
 * A plan that was made while a table was empty is kept for as long as a connection lives, and there all indexes cost the same: one on
 * what most rows share (an owner, a tenant) then reads them all. So what belongs to runs is indexed by their scope alone, and the index of
 * owners is there only for who asks with `seq > 0`, which all rows are.
 */
export const migration011 = `
drop index segno.steps_by_owner;
create index steps_by_owner on segno.steps (owner, seq) where seq > 0;
drop index segno.steps_by_scope;
create index steps_by_scope on segno.steps (scope, seq);
drop index segno.steps_alone;
create index steps_alone on segno.steps (scope, seq) where part_of is null;
drop index segno.attempts_by_scope;
create index attempts_by_scope on segno.attempts (scope);
drop index segno.blobs_by_scope;
create index blobs_by_scope on segno.blobs (scope);
drop index segno.nodes_by_scope;
create index nodes_by_scope on segno.nodes (scope);
drop index segno.leases_by_scope;
create index leases_by_scope on segno.leases (scope);
`;

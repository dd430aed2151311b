/**
 * Side effects, for those who look after them. `input` stands in the row when it is small, otherwise only in the blob of its hash;
 * secrets never do. `resolution` is what somebody said of an outcome that was lost: `applied` once the step has gone on with it.
 * `undone_by` says what has taken the effect back: a retry of the run does it anew.
 */
export const migration005 = `
alter table segno.steps
  add column input text,
  add column input_sha256 text,
  add column input_bytes integer,
  add column resolution text,
  add column undone_by text;
`;

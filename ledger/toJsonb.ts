/** JSON that PostgreSQL's jsonb takes: half a surrogate pair, which it refuses, becomes U+FFFD, as in any text sent to it. */
export function toJsonb(value: unknown): string {
  const text = JSON.stringify(value);
  // It stands as an escape in JSON; to look at every text by itself would take as long as all the rest.
  if (!text.includes('\\ud')) return text;
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'string' ? part.replace(/\p{Surrogate}/gu, '\uFFFD') : part,
  );
}

/** JSON that PostgreSQL's jsonb takes: half a surrogate pair, which it refuses, becomes U+FFFD, as in any text sent to it. */
export function toJsonb(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'string' ? part.replace(/\p{Surrogate}/gu, '\uFFFD') : part,
  );
}

/** JSON that PostgreSQL's jsonb takes: half a surrogate pair, which it refuses, becomes U+FFFD, as in any text sent to it. */
export function toJsonb(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => (typeof part === 'string' ? wellFormed(part) : part));
}

const halfPair = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g;

function wellFormed(text: string): string {
  return halfPair.test(text) ? text.replace(halfPair, '\uFFFD') : text;
}

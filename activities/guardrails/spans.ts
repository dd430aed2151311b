/** Findings in a text, as places of it. */
export interface Span {
  readonly start: number;
  readonly end: number;
  /** What stands in its place once it is redacted, in brackets. */
  readonly label: string;
}

const placeholder = /\[(?:email|phone|creditCard|iban|ipAddress|ssn|secret|domain)\]/g;

/** What is left of a redaction is no finding, also with the punctuation and the words around it that made it one. */
export function isRedacted(text: string): boolean {
  const left = text.replace(placeholder, '');
  return left !== text && !/\w{4}/.test(left);
}

export function replaceSpans(text: string, spans: readonly Span[]): string {
  const parts: string[] = [];
  let at = 0;
  for (const { start, end, label } of joined(spans)) {
    parts.push(text.slice(at, start), `[${label}]`);
    at = end;
  }
  return [...parts, text.slice(at)].join('');
}

/** In order and apart; of those that overlap the first one names the whole. */
export function joined(spans: readonly Span[]): Span[] {
  const all: Span[] = [];
  for (const span of [...spans].sort((a, b) => a.start - b.start || b.end - a.end)) {
    const last = all.at(-1);
    if (last && span.start < last.end) all[all.length - 1] = { ...last, end: Math.max(last.end, span.end) };
    else all.push(span);
  }
  return all;
}

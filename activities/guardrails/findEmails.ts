import type { Span } from './spans.js';

const local = /[\p{L}\p{N}._%+'’!#$&*/=?^`{|}~-]/u;
const domain = /[\p{L}\p{N}.-]/u;
const longestLocal = 64;
const longestDomain = 253;

export interface Address extends Span {
  readonly domain: string;
}

/** Mail addresses, found around each @: the work grows with the text and nothing else. */
export function findEmails(text: string): Address[] {
  const found: Address[] = [];
  for (let at = text.indexOf('@'); at >= 0; at = text.indexOf('@', at + 1)) {
    let start = at;
    while (start > 0 && at - start < longestLocal && local.test(text[start - 1]!)) start -= 1;
    let end = at + 1;
    while (end < text.length && end - at <= longestDomain && domain.test(text[end]!)) end += 1;
    while (end > at + 1 && /[.-]/.test(text[end - 1]!)) end -= 1;
    const host = text.slice(at + 1, end);
    if (start < at && isDomain(host)) found.push({ start, end, label: 'email', domain: host.toLowerCase() });
  }
  return found;
}

/** With a top level that no version number or decimal has. */
function isDomain(host: string): boolean {
  const labels = host.split('.');
  return (
    labels.length > 1 && labels.every((label) => label !== '') && /^(?:\p{L}{2,}|xn--[\w-]+)$/u.test(labels.at(-1)!)
  );
}

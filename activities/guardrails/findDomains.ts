import { findEmails } from './findEmails.js';
import type { Span } from './spans.js';

export interface FoundDomain extends Span {
  /** In lower case; empty where there is an address nobody can read. */
  readonly domain: string;
}

/**
 * The domains of mail addresses and URLs, as a browser would read them.
 *
 * @param whole also a text that is nothing but a host, with or without a path
 */
export function findDomains(text: string, whole: boolean): FoundDomain[] {
  const emails = findEmails(text).map((address) => ({ ...address, label: 'domain' }));
  const urls = urlsIn(text);
  if (emails.length + urls.length > 0 || !whole) return [...emails, ...urls];
  const bare = /^\s*([^\s/?#@]+\.[^\s/?#@]+)(?:[/?#]\S*)?\s*$/.exec(text.slice(0, 4_000));
  return bare ? [{ start: 0, end: text.length, label: 'domain', domain: hostOf(bare[1]!) }] : [];
}

/** Everything that follows `//` (a browser takes `\` for `/`) up to its host's end, and what begins with `www.`. */
function urlsIn(text: string): FoundDomain[] {
  const found: FoundDomain[] = [];
  for (const { index, 0: all, 1: scheme = '', 2: authority = '' } of text.matchAll(
    /([A-Za-z][A-Za-z0-9+.-]{0,19}:)?[/\\]{2,20}([^\s/\\?#"'<>`]{1,2000})/g,
  )) {
    const domain = hostOf(authority);
    if (scheme === '' && !domain.includes('.')) continue;
    const rest = /^[^\s"'<>`]{0,2000}/.exec(text.slice(index + all.length, index + all.length + 2_000))?.[0] ?? '';
    found.push({ start: index, end: index + all.length + rest.length, label: 'domain', domain });
  }
  for (const { index, 0: host } of text.matchAll(/(?<![\w./@\\-])www\.[\p{L}\p{N}.-]{1,250}/giu)) {
    found.push({ start: index, end: index + host.length, label: 'domain', domain: hostOf(host) });
  }
  return found;
}

function hostOf(authority: string): string {
  try {
    return new URL(`http://${authority}`).hostname.replace(/\.$/, '');
  } catch {
    return '';
  }
}

/** `example.com` is itself alone, `*.example.com` all below it. */
export function isListed(domain: string, list: readonly string[]): boolean {
  return list.some((known) => {
    const name = known.toLowerCase();
    return name.startsWith('*.') ? domain.endsWith(name.slice(1)) : domain === name;
  });
}

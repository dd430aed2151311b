/**
 * Secrets in a text: secretlint's rules, and what they leave out.
 *
 * Invariants:
 * 1. A text cannot switch its own check off: secretlint's comments are not heeded.
 * 2. The place of a finding is where its value stands; the ranges some of the rules report are another's.
 */
import type { Finder } from './personalData.js';
import type { Span } from './spans.js';

/** Tokens known by how they begin, as far as secretlint has no rule for them. */
const prefixes = [
  ...['sk_live_', 'sk_test_', 'rk_live_', 'rk_test_', 'whsec_', 'sk-proj-', 'sk-svcacct-', 'sk-ant-'],
  ...['AIza', 'ya29.', 'glpat-', 'gldt-', 'hf_', 'xapp-', 'xoxe-', 'pypi-', 'dop_v1_', 'dckr_pat_', 'github_pat_'],
];
const tokenLength = { least: 20, most: 4_000 };

export async function secretFinder(): Promise<(text: string) => Promise<Span[]>> {
  const [{ lintSource }, { creator }] = await Promise.all([
    import('@secretlint/core'),
    import('@secretlint/secretlint-rule-preset-recommend'),
  ]);
  const rules = [
    { id: '@secretlint/secretlint-rule-filter-comments', disabled: true },
    { id: '@secretlint/secretlint-rule-aws', options: { enableIDScanRule: true } },
  ];
  const config = { rules: [{ id: '@secretlint/secretlint-rule-preset-recommend', rule: creator, rules }] };
  return async (text) => {
    const { messages } = await lintSource({
      source: { filePath: 'text.txt', content: text, contentType: 'text', ext: '.txt' },
      options: { config, noPhysicFilePath: true },
    });
    const reported = messages.flatMap(({ range, data }) => {
      const values = Object.values(data ?? {}).filter(
        (value): value is string => typeof value === 'string' && value.length >= 8 && text.includes(value),
      );
      return values.length > 0 ? values.flatMap((value) => everyPlaceOf(value, text)) : [span(range[0], range[1])];
    });
    return [...reported, ...findTokens(text), ...findCredentials(text)];
  };
}

function everyPlaceOf(value: string, text: string): Span[] {
  const found: Span[] = [];
  for (let at = text.indexOf(value); at >= 0; at = text.indexOf(value, at + value.length)) {
    found.push(span(at, at + value.length));
  }
  return found;
}

const findTokens: Finder = (text) =>
  [...text.matchAll(/[A-Za-z0-9_.-]{20,}/g)].flatMap(({ index, 0: run }) => {
    const prefix = prefixes.find((known) => run.startsWith(known));
    const isToken = prefix !== undefined && /\d/.test(run.slice(prefix.length)) && run.length <= tokenLength.most;
    return isToken || isWebToken(run) ? [span(index, index + run.length)] : [];
  });

/** A JSON web token: three parts, of which the first two are JSON objects in base64. */
function isWebToken(run: string): boolean {
  const [header = '', payload = '', signature = ''] = run.split('.', 3);
  return header.startsWith('eyJ') && payload.startsWith('eyJ') && signature.length >= tokenLength.least;
}

/** `https://user:password@host` */
const findCredentials: Finder = (text) =>
  [...text.matchAll(/:\/\/([^\s/@:[\]]{1,100}):([^\s/@]{1,200})@/g)]
    .map(({ index, 0: { length }, 1: user = '' }) => span(index + 3 + user.length + 1, index + length - 1))
    .filter(({ start, end }) => !/^(?:\$\{?\w+\}?|\[\w+\]|<\w+>|\*+)$/.test(text.slice(start, end)));

const begin = '-----BEGIN ';
const keyEnd = 'PRIVATE KEY';

/** Of any length, and also when its end is missing: to be looked for in a text as a whole. */
export const findPrivateKeys: Finder = (text) => {
  const found: Span[] = [];
  for (let at = text.indexOf(begin); at >= 0; at = text.indexOf(begin, at + begin.length)) {
    if (!text.slice(at, at + 60).includes(keyEnd)) continue;
    const footer = text.indexOf('-----END ', at);
    const close = footer < 0 ? -1 : text.indexOf('-----', footer + 9);
    const end = close < 0 ? text.length : close + 5;
    found.push(span(at, end));
    at = end - begin.length;
  }
  return found;
};

function span(start: number, end: number): Span {
  return { start, end, label: 'secret' };
}

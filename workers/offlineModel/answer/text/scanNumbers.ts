/**
 * Numbers as documents write them: `1,234`, `(1,234)`, `$ 1,234`, `₹5,200 crore`, `+22%`, `1,29,236`, `—` for nil.
 *
 * Invariant: every quantifier is bounded and anchored by a look-behind, so a megabyte of digits costs a linear scan.
 */
import { currencyOf, scaleOf, type Scale } from '../lexicon/money.js';

export interface NumberMention {
  readonly value: number;
  readonly percent: boolean;
  /** ISO 4217, when a sign or code stands beside the number. */
  readonly currency: string | null;
  /** The scale word after the number: `5,200 crore`. The value is not multiplied by it. */
  readonly scale: Scale | null;
  /** An explicit `+`, `-` or accounting parentheses. */
  readonly signed: boolean;
  readonly start: number;
  readonly end: number;
  readonly raw: string;
}

const currencyBefore = String.raw`(?<currency>(?:US|C|CA|A|AU|HK|S|NZ)?\$|[€£₹¥₩]|(?:Rs\.?|INR|USD|EUR|GBP|JPY|CHF|CAD|AUD|CNY|RMB)(?=[\s\d(]))?`;
const digits = String.raw`(?:\d{1,3}(?:,\d{2,3}){1,6}|\d{1,15})(?![\d])(?:\.\d{1,8})?|\.\d{1,8}`;
const after = String.raw`(?<percent>\s?%|\s?(?:percent|per cent|pct)\b)?(?<scale>\s?-?(?:thousands?|millions?|billions?|trillions?|lakhs?|lacs?|crores?|mn|bn|cr|m|b|k)\b)?(?<code>\s?(?:USD|EUR|GBP|INR|JPY|CHF|CAD|AUD|CNY|RMB|dollars|euros|pounds|rupees|yen)\b)?`;
const mention = new RegExp(
  String.raw`(?<![\d.,A-Za-z_/-]|\d[-/])(?<sign>[+\-−–]\s?)?${currencyBefore}\s?(?<open>\(\s?)?(?<inner>[+\-−–])?(?<inside>[$€£₹¥]\s?)?(?<digits>${digits})(?![\d])\s?(?<close>\))?${after}(?<close2>\s?\))?`,
  'gi',
);

/** All numbers of a text, left to right. Dates, versions and identifiers with letters attached are no numbers. */
export function scanNumbers(text: string): NumberMention[] {
  const found: NumberMention[] = [];
  mention.lastIndex = 0;
  for (const match of text.matchAll(mention)) {
    const read = readMatch(match, text);
    if (read) found.push(read);
  }
  return found;
}

function readMatch(match: RegExpExecArray, text: string): NumberMention | null {
  const groups = match.groups ?? {};
  const end = match.index + match[0].length;
  if (/[^\s)]$/.test(match[0]) && /^[A-Za-z_]/.test(text.slice(end, end + 1))) return null;
  const size = Number((groups['digits'] ?? '').replaceAll(',', ''));
  if (!Number.isFinite(size)) return null;
  const closed = groups['close'] !== undefined || groups['close2'] !== undefined;
  // In prose "(45 clients)" and "(22%)" are remarks; accounting parentheses close right behind the number.
  const parenthesised = groups['open'] !== undefined && closed;
  const minus = /[-−–]/.test(`${groups['sign'] ?? ''}${groups['inner'] ?? ''}`);
  const plus = /\+/.test(`${groups['sign'] ?? ''}${groups['inner'] ?? ''}`);
  const scale = groups['scale'] ? scaleOf(groups['scale'].replace(/^[\s-]+/, '')) : null;
  const currency = currencyOf(groups['currency'] ?? groups['inside'] ?? groups['code']?.trim() ?? '');
  const percent = groups['percent'] !== undefined;
  return {
    value: minus || parenthesised ? -size : size,
    percent,
    currency,
    scale: percent ? null : scale,
    signed: minus || plus || parenthesised,
    start: match.index,
    end,
    raw: match[0].trim(),
  };
}

export interface CellNumber {
  readonly value: number;
  readonly percent: boolean;
  readonly currency: string | null;
  readonly decimals: number;
  /** A dash: nothing to report, counted as 0. */
  readonly nil: boolean;
  /** `n/a`, `not stated`: the cell is there and says that it says nothing. */
  readonly missing: boolean;
  /** The cell's own scale word: `5,200 crore`. */
  readonly scale: Scale | null;
}

const missingCell = /^(?:n\/?a\.?|n\.?m\.?|not (?:stated|available|applicable|meaningful|disclosed)|\*+)$/i;

const cellNumber =
  /(?<currency>(?:US|C|CA|A|AU|HK)?\$|[€£₹¥]|Rs\.?\s)?\s{0,4}(?:(?<nil>[—–-]{1,3}(?![\d.(])|\bnil\b)|(?<open>\(\s?)?(?<minus>[-−–+]\s?)?(?:[$€£₹¥]\s?)?(?<digits>\d{1,3}(?:,\d{2,3}){1,6}(?:\.\d{1,6})?|\d{1,15}(?:\.\d{1,6})?|\.\d{1,6})(?![\d,.]*\d))\s?(?<percent>%|pts?\b|bps\b)?\s?(?<close>\))?\s?(?<percent2>%)?\s?(?<scale>(?:thousand|lakhs?|million|mn|crores?|cr|billion|bn|trillion)\b)?/giy;

/**
 * The numbers of a table cell that holds nothing else; null when it holds anything else.
 * `$ (3,844) $ 3,172` is two numbers: readers cannot always tell narrow columns apart.
 */
export function readCell(cell: string): CellNumber[] | null {
  const text = cell.replace(/(?<=[\d)%])\s?(?:\(\d\)|\([a-z]\)|[*†‡])+$/i, '').trim();
  if (text === '' || text.length > 120) return null;
  if (missingCell.test(text))
    return [{ value: 0, percent: false, currency: null, decimals: 0, nil: true, missing: true, scale: null }];
  const numbers: CellNumber[] = [];
  let at = 0;
  while (at < text.length) {
    if (/[\s$€£₹]/.test(text[at] ?? '') && !/[\d(—–.-]/.test(text.slice(at).replace(/^[\s$€£₹]+/, '')[0] ?? '')) {
      if (text.slice(at).replace(/[\s$€£₹]+/, '') !== '') return null;
      break;
    }
    cellNumber.lastIndex = at;
    while (/\s/.test(text[cellNumber.lastIndex] ?? '')) cellNumber.lastIndex += 1;
    const match = cellNumber.exec(text);
    if (!match || match[0] === '') return null;
    at = match.index + match[0].length;
    const groups = match.groups ?? {};
    const size = groups['nil'] === undefined ? Number((groups['digits'] ?? '').replaceAll(',', '')) : 0;
    const negative = (groups['minus'] ?? '+').trim() !== '+' || groups['open'] !== undefined;
    numbers.push({
      value: negative && size !== 0 ? -size : size,
      percent: (groups['percent'] ?? groups['percent2']) !== undefined,
      currency: currencyOf(groups['currency'] ?? ''),
      decimals: groups['digits']?.split('.')[1]?.length ?? 0,
      nil: groups['nil'] !== undefined,
      missing: false,
      scale: scaleOf(groups['scale'] ?? ''),
    });
  }
  return numbers.length > 0 ? numbers : null;
}

/**
 * Durations and dates as reports write them, left to right: the words that head the columns of a statement.
 * "three and nine months" is no duration: as a title it says nothing of a single column.
 */
export interface PeriodDate {
  readonly year: number | null;
  /** 1–12; null for a bare year. */
  readonly month: number | null;
  readonly day: number | null;
}

export type PeriodToken =
  | { readonly kind: 'duration'; readonly months: number; readonly start: number; readonly end: number }
  | ({ readonly kind: 'date'; readonly start: number; readonly end: number } & PeriodDate)
  | {
      readonly kind: 'quarter';
      readonly quarter: number;
      readonly year: number | null;
      readonly start: number;
      readonly end: number;
    }
  | { readonly kind: 'change'; readonly percent: boolean; readonly start: number; readonly end: number };

const monthNames = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const monthWord = String.raw`(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)`;
const count: Readonly<Record<string, number>> = {
  one: 1, two: 2, three: 3, six: 6, nine: 9, twelve: 12, thirteen: 13, fourteen: 14, sixteen: 16, seventeen: 17,
  'twenty-four': 24, 'twenty-six': 26, 'twenty-eight': 28, 'thirty-six': 36, 'thirty-nine': 39, forty: 40, 'fifty-two': 52,
}; // prettier-ignore
const countWord = Object.keys(count).join('|');

const pattern = new RegExp(
  [
    String.raw`(?<months>(?<!\band[\s-])\b(?:${countWord}|\d{1,2})[\s-]{1,2}months?\b)`,
    String.raw`(?<weeks>(?<!\band[\s-])\b(?:${countWord}|\d{1,2})[\s-]{1,2}weeks?\b)`,
    String.raw`(?<half>\bhalf[\s-]?year(?:ly)?\b|\bhalf ended\b|\b[hH][12]\b)`,
    String.raw`(?<q>\bQ[1-4]\b(?:[\s,’'-]{0,2}(?:FY|F)?\s?[’']?(?<qyear>20\d\d|\d\d(?!\d)))?|\b[1-4]Q(?:\s?(?:FY)?[’']?(?<qyear2>20\d\d|\d\d))?\b)`,
    String.raw`(?<nthquarter>\b(?<nth>first|second|third|fourth)[\s-]quarter\b(?:\s(?:of\s)?(?:fiscal\s)?(?:year\s)?(?<nthyear>20\d\d))?)`,
    String.raw`(?<quarter>\bquarter(?:ly period|s)?\b(?=\s(?:and|ended)|$|\s*\t|\s*\())`,
    String.raw`(?<fullyear>\b(?:fiscal )?years?\s(?=ended|to date)|\btwelve months\b)`,
    String.raw`(?<mdy>\b(?<mdyM>${monthWord})\.?\s{1,2}(?<mdyD>\d{1,2})(?:st|nd|rd|th)?(?!\d),?(?:\s{1,2}(?<mdyY>(?:19|20)\d\d)\b)?)`,
    String.raw`(?<dmy>\b(?<dmyD>\d{1,2})(?:st|nd|rd|th)?[\s-](?<dmyM>${monthWord})[\s,.’'-]{0,2}(?<dmyY>(?:19|20)\d\d|\d\d(?!\d))?\b)`,
    String.raw`(?<numeric>\b(?<numD>\d{1,2})[./-](?<numM>\d{1,2})[./-](?<numY>(?:19|20)\d\d|\d\d)\b)`,
    String.raw`(?<iso>\b(?<isoY>(?:19|20)\d\d)-(?<isoM>\d\d)-(?<isoD>\d\d)\b)`,
    String.raw`(?<my>\b(?<myM>${monthWord})[\s,.’'-]{1,2}(?<myY>(?:19|20)\d\d|\d\d(?!\d))\b)`,
    String.raw`(?<year>(?<![\d,.$])(?:FY\s?)?(?<yearY>(?:19|20)\d\d)(?![\d,.]\d|\d))`,
    String.raw`(?<percentChange>%\s?(?:change|chg|growth|var(?:iance)?)|\b(?:percent(?:age)?|pct)\s(?:change|increase|growth)\b|\bchange\s?(?:%|\(%\)|in %)|\b(?:growth|yoy|y-o-y)\s?\(?%?\)?|\bincrease\s?\/?\s?\(?decrease\)?\s?%|(?<=^|\t)\s?\(?%\)?\s?(?=\t|$))`,
    String.raw`(?<amountChange>\$\s?change|\b(?:change|variance|increase\s?\/?\s?\(?decrease\)?|increase|incr\.?\s?\(decr\.?\))(?=\s*(?:\t|$|\())|(?<=^|\t)\s?\$\s?(?=\t|$))`,
  ].join('|'),
  'gi',
);

export function readPeriods(text: string): PeriodToken[] {
  const tokens: PeriodToken[] = [];
  for (const match of text.matchAll(pattern)) {
    const token = readToken(match);
    if (token) tokens.push(token);
  }
  return tokens;
}

function readToken(match: RegExpExecArray): PeriodToken | null {
  const g = match.groups ?? {};
  const at = { start: match.index, end: match.index + match[0].length };
  const date = (year?: string, month?: string, day?: string): PeriodToken | null => {
    const m = month === undefined ? null : monthNumber(month);
    if (m !== null && (m < 1 || m > 12)) return null;
    return { kind: 'date', year: fullYear(year), month: m, day: day === undefined ? null : Number(day), ...at };
  };
  if (g['months']) return { kind: 'duration', months: wordCount(g['months']), ...at };
  if (g['weeks']) return { kind: 'duration', months: Math.round((wordCount(g['weeks']) * 3) / 13), ...at };
  if (g['half']) return { kind: 'duration', months: 6, ...at };
  if (g['q']) {
    const quarter = Number(/[1-4]/.exec(g['q'])?.[0]);
    return { kind: 'quarter', quarter, year: fullYear(g['qyear'] ?? g['qyear2']), ...at };
  }
  if (g['nthquarter']) {
    const quarter = ['first', 'second', 'third', 'fourth'].indexOf((g['nth'] ?? '').toLowerCase()) + 1;
    return { kind: 'quarter', quarter, year: fullYear(g['nthyear']), ...at };
  }
  if (g['quarter']) return { kind: 'duration', months: 3, ...at };
  if (g['fullyear']) return { kind: 'duration', months: 12, ...at };
  if (g['mdy']) return date(g['mdyY'], g['mdyM'], g['mdyD']);
  if (g['dmy']) return date(g['dmyY'], g['dmyM'], g['dmyD']);
  if (g['iso']) return date(g['isoY'], g['isoM'], g['isoD']);
  if (g['numeric']) return numericDate(g, date);
  if (g['my']) return date(g['myY'], g['myM']);
  if (g['year']) return date(g['yearY']);
  if (g['percentChange']) return { kind: 'change', percent: true, ...at };
  return { kind: 'change', percent: false, ...at };
}

/** Day first, unless the second number can only be a day. */
function numericDate(
  g: Record<string, string | undefined>,
  date: (year?: string, month?: string, day?: string) => PeriodToken | null,
): PeriodToken | null {
  return Number(g['numM']) > 12 ? date(g['numY'], g['numD'], g['numM']) : date(g['numY'], g['numM'], g['numD']);
}

function wordCount(text: string): number {
  const word = text.toLowerCase().replace(/[\s-]{1,2}(?:months?|weeks?)$/, '');
  return count[word] ?? (Number.parseInt(word, 10) || 0);
}

function monthNumber(month: string): number {
  const byName = monthNames.indexOf(month.slice(0, 3).toLowerCase());
  return byName >= 0 ? byName + 1 : Number(month);
}

function fullYear(year: string | undefined): number | null {
  if (year === undefined) return null;
  return year.length === 2 ? 2000 + Number(year) : Number(year);
}

/**
 * Whose report a document is, for which period, in which currency: said on its cover, or most often in its text.
 * Each is null where the document does not say it.
 */
import { currencyOf } from '../lexicon/money.js';
import type { TextDocument, TextLine } from '../text/readText.js';
import { readPeriods, type PeriodDate } from '../text/readPeriods.js';

export interface Profile {
  readonly company: string | null;
  readonly companyPage: number | null;
  /** As the document words it: `quarter ended September 30, 2024`, `Q3 2024`. */
  readonly period: string | null;
  readonly periodPage: number | null;
  /** The day, month or year the period ends with. */
  readonly periodEnd: PeriodDate | null;
  /** ISO 4217. */
  readonly currency: string | null;
}

const frontLines = 140;

export function readProfile(document: TextDocument): Profile {
  const front = document.lines.slice(0, frontLines).filter((line) => line.text !== '');
  const company = findCompany(front) ?? findCompany(document.lines.slice(frontLines, 1_500));
  const rest = document.lines.slice(frontLines, 2_500);
  const cover = front.slice(0, 45);
  const period =
    findEnded(cover) ??
    findQuarter(cover.slice(0, 25)) ??
    findEnded(front) ??
    findQuarter(front) ??
    findEnded(rest) ??
    findQuarter(rest);
  return {
    company: company?.text ?? null,
    companyPage: company?.page ?? null,
    period: period?.text ?? null,
    periodPage: period?.page ?? null,
    periodEnd: period?.end ?? null,
    currency: findCurrency(document),
  };
}

interface Found {
  readonly text: string;
  readonly page: number | null;
}

const legalForm = String.raw`(?:Inc|Incorporated|Corp|Corporation|Company|Co|Ltd|Limited|LLC|LLP|L\.P|LP|PLC|plc|N\.V|NV|S\.A|SA|AG|SE|GmbH|Group|Holdings?|Trust|Bancorp|Partners|Bank|Technologies|Industries)`;
const companyName = new RegExp(
  String.raw`\b((?:[A-Z][A-Za-z0-9&’'.-]{0,30},?\s){0,5}[A-Z][A-Za-z0-9&’'.-]{0,30},?\s${legalForm}\b\.?)(?![a-z])`,
);

function findCompany(lines: readonly TextLine[]): Found | null {
  const charter = lines.findIndex((line) =>
    /exact\s+name\s+of\s+(?:the\s+)?(?:registrant|company|issuer)/i.test(line.text),
  );
  if (charter >= 0) {
    const sameLine = /^(.{2,90}?)\s*\(?\s*\(exact name/i.exec(lines[charter]?.text ?? '');
    if (sameLine?.[1]) return { text: tidyName(sameLine[1]), page: lines[charter]?.page ?? null };
    const before = lines.slice(Math.max(0, charter - 4), charter).filter((line) => isNameLine(line.text));
    const line = before[before.length - 1];
    if (line) return { text: tidyName(line.cells[0] ?? line.text), page: line.page };
  }
  const fileNumber = lines.findIndex((line) => /^commission file (?:no|number)/i.test(line.text));
  const registrant =
    fileNumber < 0 ? undefined : lines.slice(fileNumber + 1, fileNumber + 4).find((line) => isNameLine(line.text));
  if (registrant && registrant.cells.length === 1) return { text: tidyName(registrant.text), page: registrant.page };
  const labelled = firstMatch(
    lines,
    /^(?:name of (?:the )?)?(?:company|issuer|registrant|organi[sz]ation)(?: name)?\s*[:\t–-]\s*(.{2,90})$/i,
  );
  if (labelled) return labelled;
  const titled = firstMatch(
    lines.slice(0, 25),
    /^#{0,3}\s*([A-Z][\w&.’'-]*(?:\s+[A-Z][\w&.’'-]*){0,5}?)[\s,:|–—-]+(?:Q[1-4]\b|[1-4]Q|H[12]\b|FY|(?:First|Second|Third|Fourth)[- ]Quarter|Quarter(?:ly)?\b|Annual|Interim|Investor|Shareholder|Financial|Results|Earnings|Reports?\b|Announces|Letter)/,
  );
  if (
    titled &&
    !/^(?:Particulars|First|Second|Third|Fourth|Fiscal|Unaudited|Audited|Condensed|Consolidated|Standalone|Statement|The|Form|For)\b/.test(
      titled.text,
    )
  )
    return titled;
  for (const line of lines.slice(0, 60)) {
    const match = line.text.length < 400 ? companyName.exec(line.text) : null;
    const name = match?.[1];
    if (
      name &&
      !/Securities and Exchange|Reporting Company|Growth Company|Stock Exchange|Commission|Transfer|^(?:Chief|Act)/.test(
        name,
      )
    )
      return { text: tidyName(name), page: line.page };
  }
  return null;
}

function isNameLine(text: string): boolean {
  return (
    /[A-Za-z]{2}/.test(text) &&
    text.length < 100 &&
    !/commission|file (?:no|number)|^\(|_{4}|form 10|transition|\bor\b$|for the/i.test(text)
  );
}

function tidyName(name: string): string {
  return name
    .replace(/^[#*\s]+|[\s*_]+$/g, '')
    .replace(/\s+/g, ' ')
    .replace(/^(?:by|of|at|for|the board of directors of|to)\s+/i, '')
    .replace(/[,:;]$/, '');
}

function firstMatch(lines: readonly TextLine[], pattern: RegExp): Found | null {
  for (const line of lines) {
    const match = line.text.length < 300 ? pattern.exec(line.text) : null;
    if (match?.[1]) return { text: tidyName(match[1]), page: line.page };
  }
  return null;
}

const quarterEnded =
  /\b((?:quarterly\s+period|quarter|three\s+months|(?:thirteen|twelve|fourteen|sixteen|1[2346])\s+weeks)(?:\s+and\s+[\w\s-]{3,25}?)?\s+(?:ended|ending))\s*:?\s*((?:[A-Z][a-z]+\.?\s+\d{1,2},?\s+|\d{1,2}(?:st|nd|rd|th)?[\s-]+[A-Za-z]{3,9},?[\s-]+|\d{1,2}[./-]\d{1,2}[./-])\d{2,4})/i;

function findEnded(lines: readonly TextLine[]): (Found & { end: PeriodDate }) | null {
  for (const [at, line] of lines.entries()) {
    if (line.text.length > 600) continue;
    // The day can stand on the next line of a narrow cover.
    const text = `${line.cells.join(' ')} ${/ended?:?$/i.test(line.text) ? (lines[at + 1]?.cells.join(' ') ?? '') : ''}`;
    const match = quarterEnded.exec(text);
    const end = match?.[2] ? readPeriods(match[2]).find((token) => token.kind === 'date') : undefined;
    if (match?.[2] && end?.kind === 'date' && end.year !== null) {
      const words = /weeks/i.test(match[1] ?? '')
        ? (match[1] ?? '').toLowerCase().replace(/\s+/g, ' ')
        : 'quarter ended';
      const text = `${words} ${match[2].replace(/\s+/g, ' ').replace(/(\d) (\d{4})$/, '$1, $2')}`;
      return { text: capital(text), page: line.page, end: { year: end.year, month: end.month, day: end.day } };
    }
  }
  return null;
}

function findQuarter(lines: readonly TextLine[]): (Found & { end: PeriodDate }) | null {
  for (const line of lines) {
    const token =
      line.text.length > 600
        ? undefined
        : readPeriods(line.text).find((one) => one.kind === 'quarter' && one.year !== null);
    if (token?.kind === 'quarter') {
      const month = /FY/i.test(line.text.slice(token.start, token.end)) ? null : token.quarter * 3;
      return { text: `Q${token.quarter} ${token.year}`, page: line.page, end: { year: token.year, month, day: null } };
    }
  }
  return null;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** The currency whose signs, codes and names stand most often beside amounts. */
function findCurrency(document: TextDocument): string | null {
  const votes = new Map<string, number>();
  const sign =
    /(?:US|C|CA|A|AU|HK|S|NZ)?\$|[€£₹¥₩]|\b(?:USD|EUR|GBP|INR|JPY|CAD|AUD|CHF|CNY|RMB|rupees|euros|yen|dollars)\b|\bRs\b\.?/gi;
  for (const line of document.lines) {
    for (const match of line.text.matchAll(sign)) {
      const currency = currencyOf(match[0]);
      if (currency) votes.set(currency, (votes.get(currency) ?? 0) + 1);
    }
  }
  return [...votes].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0]))[0]?.[0] ?? null;
}

/**
 * A figure from the document's tables: which row means it, which column is the quarter, which the same quarter last year.
 *
 * Invariants:
 * 1. Income statements come before all other tables; year-to-date tables (cash flow) and balance sheets never speak of a flow.
 * 2. The prior amount is of the same length of period, a year earlier; the preceding quarter is not prior.
 */
import { contentWords } from '../schema/fieldWords.js';
import type { FinanceConcept } from '../lexicon/finance.js';
import type { PeriodDate } from '../text/readPeriods.js';
import type { CellNumber } from '../text/scanNumbers.js';
import type { Table, TableRow } from '../tables/readTables.js';
import { findScale } from './findScale.js';
import type { Amount, Figure } from './figure.js';

export interface FigureContext {
  readonly rows: readonly TableRow[];
  readonly periodEnd: PeriodDate | null;
}

export function findTableFigure(concept: FinanceConcept, context: FigureContext): Figure | null {
  let best: { figure: Figure; table: Table } | null = null;
  for (const row of context.rows) {
    const figure = readRow(concept, row, context);
    if (figure && (best === null || figure.score > best.figure.score)) best = { figure, table: row.table };
  }
  if (best === null) return null;
  const scale = best.figure.scale ?? findScale(best.table.context) ?? findScale(best.table.pageHead);
  return withStatedGrowth({ ...best.figure, scale }, concept, context);
}

function readRow(concept: FinanceConcept, row: TableRow, context: FigureContext): Figure | null {
  const rank = rateLabel(concept, row);
  if (rank <= 0) return null;
  const place = rateTable(row.table, concept.flow);
  if (place <= -100) return null;
  const picked = pickColumns(row, context.periodEnd, concept.flow);
  if (picked === null || picked.current === null) return null;
  if (concept.perShare !== true && looksPerShare(row)) return null;
  const sign = /^net loss(?! income)/.test(row.name) && !/\(income\)|\(earnings\)|\(profit\)/i.test(row.label);
  const amount = (value: CellNumber | null): Amount | null =>
    value && !value.missing ? { value: sign && value.value > 0 ? -value.value : value.value, page: row.page } : null;
  const current = amount(picked.current);
  const prior = amount(picked.prior);
  const stated = picked.growth === null ? null : { value: picked.growth.value, page: row.page };
  return {
    current,
    prior,
    growthPercent: stated ?? computeGrowth(current, prior),
    scale: picked.current.scale,
    currency: row.values.find((value) => value.currency !== null)?.currency ?? null,
    score: rank + place + picked.score - Math.min(10, row.lineIndex / 2_000),
  };
}

/** 0 for another thing; up to 100 for the best label of the concept. */
export function rateLabel(concept: FinanceConcept, row: TableRow): number {
  const own = row.name;
  const section = row.sectionName;
  if (
    own === '' ||
    /\bper (?:common |ordinary |diluted |basic )?share\b/.test(`${section} ${own}`) !== (concept.perShare === true)
  )
    return 0;
  const labels = concept.labels;
  const rateOne = (text: string): number => {
    const at = labels.indexOf(text);
    return at < 0 ? 0 : 100 - (50 * at) / labels.length;
  };
  const exact = rateOne(own);
  if (exact > 0) return exact;
  if (own === 'total') return rateOne(`total ${section}`) * 0.95;
  const joined = `${section} ${own}`;
  if (row.sectionIsAdjacent && !/:$/.test(row.section) && /^[a-z(]/.test(row.label) && rateOne(joined) > 0)
    return rateOne(joined) * 0.95;
  if (concept.not.test(own)) return 0;
  if (concept.stems) return rateStems(concept.stems, own);
  // "Net income attributable to Acme", "Revenues (net of returns)": begins like a label and goes on.
  const start = labels.findIndex((label) => own.startsWith(`${label} `));
  if (start < 0) return 0;
  const extraWords = own.split(' ').length - (labels[start]?.split(' ').length ?? 0);
  return extraWords > 7 ? 0 : Math.max(5, 40 - extraWords * 3 - (10 * start) / labels.length);
}

function rateStems(stems: readonly string[], label: string): number {
  const words = contentWords(label);
  if (!stems.every((one) => words.includes(one))) return 0;
  return Math.max(5, 70 - 12 * (words.length - stems.length));
}

const incomeStatement =
  /statements? of (?:consolidated |condensed |unaudited )*(?:operations|income|earnings|profit|comprehensive (?:income|loss|earnings))|income statements?|profit and loss|(?:operations|income|earnings|loss) statements?|statements? of (?:the )?(?:un)?audited .{0,40}(?:financial )?results|(?:un)?audited .{0,60}(?:financial )?results|financial results (?:for|of) /;
const balanceOrCash =
  /balance sheets?|statements? of (?:consolidated |condensed |unaudited )*(?:cash flows?|financial (?:position|condition)|(?:stockholders|shareholders|shareowners|changes|equity|members|partners)[\s’']*)|cash flows? statements?/;

/** How likely a table is the statement: from its own title, then its page's head. */
export function rateTable(table: Table, flow: boolean): number {
  const kind = titles.get(table) ?? readTitle(table);
  titles.set(table, kind);
  if (kind.title === 'other') return flow ? -100 : 40;
  return kind.score;
}

/** Tables are rated once, however many rows ask. */
const titles = new WeakMap<Table, TableKind>();

interface TableKind {
  readonly title: 'income' | 'other' | null;
  readonly score: number;
}

function readTitle(table: Table): TableKind {
  const title = lastTitle(table.context) ?? lastTitle(table.pageHead);
  let score = title === 'income' ? 110 : 0;
  const lines = table.context.split('\n');
  const titleAt = lines.findLastIndex((line) => incomeStatement.test(line));
  const near = lines.slice(titleAt >= 0 ? titleAt : -6).join('\n');
  if (
    /pro[\s-]?forma|reconciliation|non-gaap|segment|% of |percentage of|guarantor|parent company only|condensed combining/.test(
      near,
    )
  )
    score -= 35;
  if (/comprehensive (?:income|loss|earnings)/.test(near) && !/operations and|income and|earnings and/.test(near))
    score -= 5;
  if (/standalone/.test(table.context) && !/consolidated/.test(table.context)) score -= 25;
  if (/\bnote \d|\bnotes to\b/.test(table.context) && title !== 'income') score -= 20;
  if (/unaudited/.test(`${table.context}${table.pageHead}`)) score += 5;
  return { title, score };
}

function lastTitle(context: string): 'income' | 'other' | null {
  for (const line of context.split('\n').reverse()) {
    if (line.length > 110 || /[.,;]$|\b(?:the following|our|we|these|in the)\b/.test(line)) continue;
    if (balanceOrCash.test(line)) return 'other';
    if (incomeStatement.test(line) && !/notes to|discussion and analysis/.test(line)) return 'income';
  }
  return null;
}

interface Picked {
  readonly current: CellNumber | null;
  readonly prior: CellNumber | null;
  readonly growth: CellNumber | null;
  readonly score: number;
}

function pickColumns(row: TableRow, periodEnd: PeriodDate | null, flow: boolean): Picked | null {
  const columns = row.columns;
  if (columns === null) return null;
  const dated = columns.flatMap((column, at) =>
    column.kind === 'value' && column.end?.year != null ? [{ column, at }] : [],
  );
  const quarters = dated.filter(({ column }) => column.months !== null && column.months >= 2 && column.months <= 4);
  const unknown = dated.filter(({ column }) => column.months === null);
  const pool = !flow ? dated : quarters.length > 0 ? quarters : unknown;
  if (pool.length === 0) return null;
  const latest = [...pool].sort((a, b) => order(b.column.end) - order(a.column.end) || a.at - b.at)[0];
  const reported = pool.find(({ column }) => periodEnd !== null && isSamePeriod(column.end, periodEnd));
  const current = reported ?? latest;
  if (!current) return null;
  const prior = pool.find(({ column }) => isYearBefore(column.end, current.column.end)) ?? null;
  const growthAt = columns.findIndex(
    (column, at) => column.kind === 'change' && at > current.at && (row.values[at]?.percent ?? false),
  );
  const isFirstChange =
    growthAt >= 0 &&
    !columns.slice(current.at + 1, growthAt).some((column) => column.kind === 'value' && column !== prior?.column);
  return {
    current: row.values[current.at] ?? null,
    prior: prior ? (row.values[prior.at] ?? null) : null,
    growth: isFirstChange ? (row.values[growthAt] ?? null) : null,
    score: (quarters.length > 0 ? 40 : 0) + (prior ? 20 : 0) + (reported ? 15 : 0),
  };
}

const order = (end: PeriodDate | null): number => (end?.year ?? 0) * 12 + (end?.month ?? 0);

/** The same month, or the day or two by which 52-week years slip into the next. */
function isSamePeriod(a: PeriodDate | null, b: PeriodDate): boolean {
  if (a?.year == null || b.year === null) return false;
  if (a.month === null || b.month === null) return a.year === b.year;
  return Math.abs(order(a) - order(b)) <= 1 && (order(a) === order(b) || isNearMonthEdge(a, b));
}

function isYearBefore(a: PeriodDate | null, of: PeriodDate | null): boolean {
  if (a?.year == null || of?.year == null) return false;
  if (a.month === null || of.month === null) return a.year === of.year - 1;
  const gap = order(of) - order(a);
  return gap === 12 || ((gap === 11 || gap === 13) && isNearMonthEdge(a, of));
}

function isNearMonthEdge(a: PeriodDate, b: PeriodDate): boolean {
  const near = (day: number | null): boolean => day === null || day <= 8 || day >= 22;
  return near(a.day) && near(b.day);
}

/** `Net income $ 1.64 $ 1.46` under per-share headings that the text lost: small, with cents, in a table without. */
function looksPerShare(row: TableRow): boolean {
  const amounts = row.values.filter((value) => !value.nil && !value.percent);
  return (
    amounts.length > 0 &&
    amounts.every((value) => value.decimals === 2 && Math.abs(value.value) < 100) &&
    /per share/.test(row.table.context)
  );
}

/** In per cent, one decimal, and on no page; null when the base is not positive: a growth over a loss has no meaning. */
export function computeGrowth(current: Amount | null, prior: Amount | null): Amount | null {
  if (!current || !prior || prior.value <= 0) return null;
  return { value: Math.round(((current.value - prior.value) / prior.value) * 1_000) / 10, page: null };
}

/** The document's own percentage for these two amounts, wherever a table states it. */
function withStatedGrowth(figure: Figure, concept: FinanceConcept, context: FigureContext): Figure {
  const computed = computeGrowth(figure.current, figure.prior);
  if (!computed || !figure.current || !figure.prior) return figure;
  for (const row of context.rows) {
    const stated = row.values.find((value) => value.percent && Math.abs(value.value - computed.value) <= 0.6);
    if (!stated || rateLabel(concept, row) <= 0) continue;
    const holds = (amount: Amount): boolean =>
      row.values.some((value) => !value.percent && Math.abs(value.value) === Math.abs(amount.value));
    if (holds(figure.current) && holds(figure.prior))
      return { ...figure, growthPercent: { value: stated.value, page: row.page } };
  }
  return figure;
}

/**
 * The rows of a document's tables, each with its label, its values and what its header says of their columns.
 *
 * Invariants:
 * 1. One pass over the lines; what a row knows of its surroundings is at most 14 lines old.
 * 2. A row whose values cannot be matched with its header has `columns: null`; nobody guesses them later.
 */
import { plainLabel } from '../lexicon/finance.js';
import type { TextDocument, TextLine } from '../text/readText.js';
import { readPeriods, type PeriodToken } from '../text/readPeriods.js';
import { readCell, type CellNumber } from '../text/scanNumbers.js';
import { readHeader, type Column } from './readHeader.js';
import { matchColumns } from './matchColumns.js';

export interface Table {
  /** The lines around and above the header, lower case: titles, units, "unaudited". */
  readonly context: string;
  /** The page's first lines, lower case. */
  readonly pageHead: string;
  readonly columns: readonly Column[] | null;
}

export interface TableRow {
  readonly label: string;
  /** The label and the section as `plainLabel` has them. */
  readonly name: string;
  readonly sectionName: string;
  /** The last line above that had words and no values: `Net sales:`; or the first half of a wrapped label. */
  readonly section: string;
  readonly sectionIsAdjacent: boolean;
  readonly values: readonly CellNumber[];
  /** One for each value, or null. */
  readonly columns: readonly Column[] | null;
  readonly page: number | null;
  readonly lineIndex: number;
  readonly table: Table;
}

const contextLines = 14;

export function readTables(document: TextDocument): TableRow[] {
  const rows: TableRow[] = [];
  let page: number | null | undefined;
  let pageHead: string[] = [];
  let context: string[] = [];
  let header: PeriodToken[][] = [];
  let rowsSinceHeader = 0;
  let section = '';
  let sectionLine = -2;
  let table: Table = { context: '', pageHead: '', columns: null };

  for (const line of document.lines) {
    if (line.page !== page || (line.page === null && line.text === '' && rowsSinceHeader > 40)) {
      page = line.page;
      pageHead = [];
      context = [];
      header = [];
      rowsSinceHeader = 0;
      section = '';
      table = { context: '', pageHead: '', columns: null };
    }
    if (line.text === '') continue;
    if (pageHead.length < 10) pageHead.push(line.text.toLowerCase().slice(0, 200));

    const row = splitRow(line, section !== '' && rowsSinceHeader > 0);
    const tokens = row ? null : headerTokens(line);
    if (row === null) {
      if (tokens) {
        if (rowsSinceHeader > 0) {
          header = [];
          rowsSinceHeader = 0;
        }
        header.push(tokens);
        table = { context: '', pageHead: '', columns: null };
      } else if (isProse(line.text) || unitLine.test(line.text)) {
        section = '';
      } else {
        section = line.text.slice(0, 200);
        sectionLine = line.index;
      }
      context.push(line.text.toLowerCase().slice(0, 240));
      if (context.length > contextLines) context.shift();
      continue;
    }
    if (rowsSinceHeader === 0) {
      const columns = header.length > 0 ? readHeader(header.slice(-8)) : null;
      table = { context: context.join('\n'), pageHead: pageHead.join('\n'), columns };
    }
    rowsSinceHeader += 1;
    rows.push({
      label: row.label,
      name: plainLabel(row.label),
      sectionName: plainLabel(section),
      section,
      sectionIsAdjacent: sectionLine === line.index - 1,
      values: row.values,
      columns: table.columns ? matchColumns(row.values, table.columns) : null,
      page: line.page,
      lineIndex: line.index,
      table,
    });
    if (/^total\b/i.test(row.label)) section = '';
  }
  return rows;
}

interface SplitRow {
  label: string;
  values: CellNumber[];
}

/** Label and values of a line, or null when it is no row: no value, or nothing but years and days. */
function splitRow(line: TextLine, mayBeTotal: boolean): SplitRow | null {
  const cells = line.cells.length === 1 ? splitTail(line.text) : line.cells;
  if (cells.length < 2) return null;
  if (mayBeTotal && !/[A-Za-z]/.test(line.text)) {
    // A sum under its parts, without a label of its own.
    const sums = cells.map(readCell);
    const values = sums.flatMap((one) => one ?? []);
    return sums.includes(null) || values.every(isYear) ? null : { label: 'Total', values };
  }
  const label: string[] = [];
  const values: CellNumber[] = [];
  for (const cell of cells) {
    const numbers = readCell(cell);
    if (numbers) {
      if (label.length > 0 || values.length > 0) values.push(...numbers);
      // A row number or date before the label belongs to the label.
      else label.push(cell);
    } else if (/^[%)]$/.test(cell) && values.length > 0) {
      const last = values.pop();
      if (last) values.push({ ...last, percent: cell === '%' || last.percent });
    } else if (values.length === 0) label.push(cell);
    else if (/[A-Za-z]{3}/.test(cell)) return null;
  }
  const name = label.filter((part) => !/^[$€£₹]$/.test(part)).join(' ');
  if (values.length === 0 || !/[A-Za-z]{2}/.test(name)) return null;
  if (values.every(isYear) && readPeriods(name).length + values.length > 1 && !/\d,\d/.test(line.text)) return null;
  if (/^(?:page|item)\s?\d*$/i.test(name)) return null;
  return { label: name.slice(0, 300), values };
}

/** `Net sales 94,930 89,498` in one cell: values at the end of the line, set apart by single spaces. */
function splitTail(text: string): string[] {
  if (text.length > 300 || !/\d[\d,.]*\)?\s?%?$|[—–]$/.test(text)) return [text];
  const tail =
    /^(.{0,200}?[A-Za-z):]{2})((?:\s+[$€£₹]?\s?(?:\(?-?\d[\d,]*(?:\.\d+)?\)?\s?%?|[—–](?=\s|$))){2,12})$/.exec(text);
  if (!tail) return [text];
  return [tail[1] ?? '', (tail[2] ?? '').trim()];
}

function isYear(number: CellNumber): boolean {
  return (
    number.decimals === 0 && number.value >= 1950 && number.value <= 2100 && number.currency === null && !number.percent
  );
}

/** The period tokens of a line that heads columns; null for running text and for lines without any. */
function headerTokens(line: TextLine): PeriodToken[] | null {
  if (line.text.length > 320 || (line.cells.length === 1 && line.text.length > 150) || !mayHeadColumns.test(line.text))
    return null;
  // `Q2'23 vs. Q2'22` heads a change, not two periods.
  const text = line.cells
    .map((cell) => (/\d\s(?:vs\.?|versus|over)\s\D{0,12}\d/i.test(cell) ? '% change' : cell))
    .join('\t');
  const tokens = readPeriods(text);
  if (tokens.length === 0) return null;
  let rest = text;
  for (const token of [...tokens].reverse()) rest = `${rest.slice(0, token.start)} ${rest.slice(token.end)}`;
  const words = rest.replace(/\([^)]*\)/g, ' ').match(/[A-Za-z]{2,}/g) ?? [];
  const foreign = words.filter((word) => !headerWord.test(word));
  if (foreign.length > 7 || (foreign.length > 3 && /[.;]$/.test(text))) return null;
  if (tokens.every((token) => token.kind === 'change') && foreign.length > 2 && line.cells.length < 2) return null;
  return tokens;
}

const mayHeadColumns =
  /(?:19|20)\d\d|months?|weeks?|quarter|year|half|change|growth|increase|varia|yoy|[%$]|\bq[1-4]|[1-4]q|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|\d[./]\d/i;

/** `(in millions, except per share data)`: says nothing of what the rows below are. */
const unitLine = /^\(.*\)$|\bexcept\b|\bin (?:millions|thousands|crores?|lakhs?)\b/i;

const headerWord =
  /^(?:for|the|ended|ending|months?|and|period|quarter|quarterly|fiscal|year|years|in|millions?|thousands?|billions?|crores?|lakhs?|except|per|share|shares|amounts?|data|unaudited|audited|reviewed|particulars|as|of|at|to|date|vs|versus|change|dollars|rs|weeks?|consolidated|standalone)$/i;

function isProse(text: string): boolean {
  return text.length > 110 || (text.length > 60 && /[.;,]$/.test(text));
}

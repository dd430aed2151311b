/** The best figure of a concept in a document, from its tables or its prose. */
import { scaleFactor, type Scale } from '../lexicon/money.js';
import { conceptKeyOf, financeConcepts, type FinanceConcept } from '../lexicon/finance.js';
import { contentWords, splitName } from '../schema/fieldWords.js';
import type { Sentence, TextDocument } from '../text/readText.js';
import { readTables, type TableRow } from '../tables/readTables.js';
import type { Amount, Figure } from './figure.js';
import { findProseFigure } from './findProseFigure.js';
import { findTableFigure } from './findTableFigure.js';
import { readProfile, type Profile } from './readProfile.js';

/** A document read once for all fields of an answer. */
export interface FigureReader {
  readonly profile: Profile;
  readonly rows: readonly TableRow[];
  find(concept: FinanceConcept): Figure | null;
  /** The scale of the report's main figures, in which all figures are given; null when it has none. */
  readonly scale: Scale | null;
}

export function createFigureReader(document: TextDocument): FigureReader {
  const profile = readProfile(document);
  const rows = readTables(document);
  const facts = [...document.sentences, ...factLines(document)];
  const companyWords = splitName(profile.company ?? '');
  const cache = new Map<string, Figure | null>();
  const raw = (concept: FinanceConcept): Figure | null => {
    const key = `${concept.title}|${concept.prose.join()}`;
    const known = cache.get(key);
    if (known !== undefined) return known;
    const table = findTableFigure(concept, { rows, periodEnd: profile.periodEnd });
    const prose =
      table && table.score > statementScore && table.growthPercent?.page != null
        ? null
        : findProseFigure(concept, facts, companyWords);
    const figure = combine(table, prose);
    cache.set(key, figure);
    return figure;
  };
  const main = ['revenue', 'netIncome', 'operatingExpenses', 'operatingIncome', 'grossProfit', 'cash'];
  let scale: Scale | null | undefined;
  const anchor = (): Scale | null => {
    if (scale === undefined) {
      const figure = main.map((key) => raw(financeConcepts[key] as FinanceConcept)).find((one) => one?.current);
      scale = figure ? (figure.scale ?? 'one') : null;
    }
    return scale;
  };
  return {
    profile,
    rows,
    find: (concept) => {
      const figure = raw(concept);
      return figure && (concept.perShare ? figure : rescale(figure, anchor()));
    },
    get scale() {
      return anchor();
    },
  };
}

/** Below it a table is not known to be a statement, and has no say over the text around it. */
const statementScore = 180;

function combine(table: Figure | null, prose: Figure | null): Figure | null {
  if (!table || !prose) return table ?? prose;
  if (prose.score > table.score) return prose;
  const growthPercent = statedGrowth(table, prose);
  const isSame = table.current?.value === prose.current?.value && table.scale === prose.scale;
  const isEarlier = (prose.current?.page ?? Infinity) < (table.current?.page ?? 0);
  const current = isSame && isEarlier && table.score < statementScore ? prose.current : table.current;
  return { ...table, current, growthPercent };
}

/** The document's own rounding (`increased 5%`) goes before ours, when it is plainly the same change. */
function statedGrowth(table: Figure, prose: Figure): Amount | null {
  const [computed, stated] = [table.growthPercent, prose.growthPercent];
  if (!stated) return computed;
  if (computed === null) return table.current?.value === prose.current?.value ? stated : null;
  return computed.page === null && Math.abs(computed.value - stated.value) <= 0.6 ? stated : computed;
}

/** Lines of a table whose cells hold words and numbers mixed (`₹5,200 crore, +22%`) read as short statements. */
function factLines(document: TextDocument): Sentence[] {
  return document.lines
    .filter(
      (line) =>
        line.cells.length > 1 &&
        line.cells.length <= 4 &&
        line.text.length < 200 &&
        /[%₹$€£]|crore|lakh|million|billion/i.test(line.text),
    )
    .map((line) => ({ text: line.cells.join(' '), page: line.page, index: 200 }));
}

/** The same figure in another scale; a figure without a scale of its own stays as it is. */
export function rescale(figure: Figure, scale: Scale | null): Figure {
  if (scale === null || figure.scale === null || figure.scale === scale) return figure;
  const factor = scaleFactor[figure.scale] / scaleFactor[scale];
  const convert = (amount: Amount | null): Amount | null =>
    amount && { ...amount, value: Number((amount.value * factor).toPrecision(12)) };
  return { ...figure, scale, current: convert(figure.current), prior: convert(figure.prior) };
}

const fillers = new Set(
  'current prior previous last this latest actual value amount total number growth change percent percentage pct rate yoy increase decrease delta in of the million millions thousand thousands billion billions crore crores lakh lakhs usd inr eur gbp reported quarter quarterly year figure figures stated net'.split(
    ' ',
  ),
);

/** What a field's name asks for: a concept of the vocabulary, or the name's own words as a label to look for. */
export function conceptFor(name: string): FinanceConcept | null {
  const words = splitName(name);
  const key = conceptKeyOf(words);
  const known = key === null ? undefined : financeConcepts[key];
  if (known) {
    const used = new Set(known.names.flatMap((one) => one.split(' ')));
    if (words.every((word) => used.has(word) || fillers.has(word) || word === 'and')) return known;
  }
  const own = words.filter((word) => !fillers.has(word) || (word === 'net' && words.length > 1));
  const phrase = own.join(' ');
  const stems = contentWords(phrase);
  if (stems.length === 0) return null;
  return {
    title: phrase.charAt(0).toUpperCase() + phrase.slice(1),
    names: [phrase],
    labels: [`total ${phrase}`, phrase],
    not: /$^/,
    prose: [phrase],
    flow: true,
    stems,
  };
}

/** Figures a document states besides its main ones: known concepts of its statements, then counted things of its prose. */
import { describeScale } from '../compose/describeScale.js';
import type { KnownFigure } from '../compose/readFacts.js';
import { financeConcepts } from '../lexicon/finance.js';
import { readPeriods } from '../text/readPeriods.js';
import type { Sentence } from '../text/readText.js';
import { scanNumbers, type NumberMention } from '../text/scanNumbers.js';
import type { Source } from './scope.js';

const metricKeys = [
  'operatingIncome',
  'grossProfit',
  'costOfRevenue',
  'researchAndDevelopment',
  'earningsPerShare',
  'revenue',
  'netIncome',
  'operatingExpenses',
  'operatingCashFlow',
  'cash',
  'totalAssets',
];

export function documentFigures(source: Source, except: ReadonlySet<string>, limit: number): KnownFigure[] {
  const { figures } = source;
  const stated = metricKeys
    .filter((key) => !except.has(key))
    .flatMap((key): KnownFigure[] => {
      const concept = financeConcepts[key];
      const figure = concept && figures.find(concept);
      if (!concept || !figure?.current) return [];
      const currency = figure.currency ?? figures.profile.currency;
      return [
        {
          key: concept.title,
          title: concept.title,
          isMain: false,
          current: figure.current.value,
          prior: figure.prior?.value ?? null,
          growthPercent: figure.growthPercent?.value ?? null,
          currency,
          unit: concept.perShare ? describeScale(currency, null, 'per share') : describeScale(currency, figure.scale),
          page: figure.current.page,
        },
      ];
    });
  const isStatement = stated.length > 3;
  const counted = isStatement
    ? []
    : source.document.sentences.slice(0, 400).flatMap((sentence) => countedThings(sentence));
  const seen = new Set<string>();
  return [...counted, ...stated]
    .filter(
      (one) =>
        !seen.has(one.title.toLowerCase()) && !isExcepted(one.title, except) && seen.add(one.title.toLowerCase()),
    )
    .slice(0, limit);
}

function isExcepted(title: string, except: ReadonlySet<string>): boolean {
  const plain = title.toLowerCase();
  return [...except].some((key) => financeConcepts[key]?.names.includes(plain) ?? false);
}

const verb =
  /\b(?:was|were|is|are|reached|reaching|grew|grow|rose|increased|decreased|declined|fell|stood|totall?ed|climbed|jumped|came|of|to|at|by|up|down|amounted|hit|surpassed|crossed|added|expanded|improved|recorded|posted)\b.*$/i;
const opening = /^(?:and|the|our|its|a|an|with|while|company|it|we|in|for|also|of which|including|total)\s+/i;

/** "Cloud revenue reached ₹1,800 crore, up 38%" and "45 new enterprise clients": a name and its number. */
function countedThings(sentence: Sentence): KnownFigure[] {
  const { text, page } = sentence;
  const periods = readPeriods(text).filter((token) => token.kind !== 'change');
  const numbers = scanNumbers(text).filter(
    (one) => !periods.some((token) => one.start < token.end && one.end > token.start),
  );
  const found: KnownFigure[] = [];
  for (const [at, one] of numbers.entries()) {
    if (one.percent) continue;
    const name =
      one.currency === null && one.scale === null ? nameBehind(text, one) : nameBefore(text, numbers[at - 1], one);
    if (name === null) continue;
    const growth = numbers.find((other) => other.percent && Math.abs(other.start - one.end) < 30) ?? null;
    found.push({
      key: name,
      title: name.charAt(0).toUpperCase() + name.slice(1),
      isMain: false,
      current: one.value,
      prior: null,
      growthPercent:
        growth === null
          ? null
          : /\b(?:down|decreas|declin|fell|lower)/i.test(text.slice(Math.min(one.end, growth.end), growth.start))
            ? -Math.abs(growth.value)
            : growth.value,
      currency: one.currency,
      unit:
        one.currency === null && one.scale === null
          ? (name.split(' ').pop() ?? null)
          : describeScale(one.currency, one.scale),
      page,
    });
  }
  return found;
}

function nameBehind(text: string, one: NumberMention): string | null {
  const match = /^\s?((?:[a-z][a-z-]{2,20}\s?){1,4})/.exec(text.slice(one.end));
  const words = match?.[1]?.trim().split(' ') ?? [];
  const end = words.findIndex((word) =>
    /^(?:and|in|of|for|during|from|to|with|this|at|as|on|by|per|were|was|the|compared|months?|weeks?|days?|years?|times|basis|or)$/.test(
      word,
    ),
  );
  const name = words.slice(0, end < 0 ? words.length : end).join(' ');
  return name.length > 3 ? name : null;
}

function nameBefore(text: string, previous: NumberMention | undefined, one: NumberMention): string | null {
  const start = Math.max(
    previous && one.start - previous.end < 3 ? 0 : 0,
    text.slice(0, one.start).search(/[^.,;:•]*$/),
  );
  const clause = text.slice(start, one.start).trim();
  const before = (clause.length < 4 ? text.slice(0, start) : clause).replace(/^[,;:\s]+/, '');
  const name = before
    .replace(verb, '')
    .replace(/[\s:,(–-]+$/, '')
    .replace(opening, '')
    .replace(opening, '')
    .trim();
  const words = name.split(/\s+/);
  return name.length > 3 && words.length <= 5 && !/\d/.test(name) ? name : null;
}

/**
 * A figure from running text: "Revenue grew 22% to ₹5,200 crore from …".
 *
 * Invariants:
 * 1. Only the clause about the concept counts: numbers behind the next concept's name belong to that one.
 * 2. A part of the whole (`cloud revenue`), guidance, and year-to-date amounts are not the figure of the quarter.
 */
import { financeConcepts, type FinanceConcept } from '../lexicon/finance.js';
import type { Sentence } from '../text/readText.js';
import { readPeriods } from '../text/readPeriods.js';
import { scanNumbers, type NumberMention } from '../text/scanNumbers.js';
import type { Figure } from './figure.js';

const escape = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/[\s-]+/g, '[\\s-]+');
const allNames = Object.values(financeConcepts).flatMap((concept) => concept.prose);
const anyConcept = new RegExp(
  `\\b(?:${[...new Set(allNames)]
    .sort((a, b) => b.length - a.length)
    .map(escape)
    .join('|')})\\b`,
  'gi',
);
const neutralBefore =
  /^(?:total|net|our|its|the|their|company|companys|groups?|consolidated|quarterly|overall|in|of|and|while|with|as|that|reported|record|quarter|third-quarter|first-quarter|second-quarter|fourth-quarter|year|for|strong|posted|however|although|whereas|but|q[1-4]|fy\d*|\d+|standalone|reports?|delivered|generated|achieved|recorded|saw|when|highlights?|results?|a|by|diluted|basic|gaap|where|had)$/i;
/** Looked at in one sentence; more is no running text. */
const mostMentions = 4;
const guidance =
  /\b(?:expects?|expected|guidance|forecast|outlook|targets?|anticipates?|projected|will be|would be|could be|aims?)\b/i;
const longerPeriod =
  /\b(?:six|nine|twelve)[\s-]months?\b|\byear[\s-]to[\s-]date\b|\bfull[\s-]year\b|\bhalf[\s-]year|\bfirst half\b|\bannual(?:ly)?\b|\bfiscal year\b(?! over)/i;
const thisQuarter = /\bthree months\b|\bquarter\b|\bQ[1-4]\b/i;

export function findProseFigure(
  concept: FinanceConcept,
  sentences: readonly Sentence[],
  companyWords: readonly string[],
): Figure | null {
  const names = new RegExp(`\\b(?:${concept.prose.map(escape).join('|')})\\b`, 'gi');
  let best: Figure | null = null;
  for (const sentence of sentences) {
    if (!/\d/.test(sentence.text)) continue;
    names.lastIndex = 0;
    for (
      let match = names.exec(sentence.text), seen = 0;
      match && seen < mostMentions;
      match = names.exec(sentence.text), seen += 1
    ) {
      const figure = readClause(concept, sentence, match.index, match.index + match[0].length, companyWords);
      if (figure && (best === null || figure.score > best.score)) best = figure;
    }
  }
  return best;
}

function readClause(
  concept: FinanceConcept,
  sentence: Sentence,
  start: number,
  end: number,
  companyWords: readonly string[],
): Figure | null {
  const { text, page } = sentence;
  if (
    /\b(?:cost|costs|deferred|unearned|percent(?:age)?|% |share|portion)\s+of(?: our| total| net)?\s*$/i.test(
      text.slice(Math.max(0, start - 30), start),
    )
  )
    return null;
  if (
    /^(?:[\s-](?:per|growth rate|recognition|mix|sources?|backlog|tax|margin|multiple|marketing)\b)/i.test(
      text.slice(end, end + 18),
    )
  )
    return null;
  const stop = nextConcept(text, end);
  const periods = readPeriods(text);
  const isDate = (one: NumberMention): boolean =>
    periods.some((token) => token.kind !== 'change' && one.start < token.end && one.end > token.start);
  const numbers = scanNumbers(text.slice(0, Math.min(stop, end + 260))).filter((one) => !isDate(one));
  const behind = numbers.filter((one) => one.start >= end);
  const money = behind.filter((one) => !one.percent && isAmount(one, concept) && !isChange(text, one));
  const growth = findGrowth(text, numbers, start, end);
  const amounts = readAmounts(text, money);
  if (!amounts.current && !growth) return null;

  let score =
    50 + (amounts.current ? 25 : 0) + (growth ? 8 : 0) + (amounts.prior ? 6 : 0) - Math.min(8, sentence.index / 400);
  const before = /([\p{L}\d&’'-]+)\s+$/u
    .exec(text.slice(Math.max(0, start - 40), start))?.[1]
    ?.replace(/[’']s?$/, '')
    .toLowerCase();
  if (before !== undefined && !neutralBefore.test(before) && !companyWords.includes(before)) score -= 60;
  if (guidance.test(text)) score -= 60;
  if (longerPeriod.test(text) && !thisQuarter.test(text)) score -= 45;
  if (amounts.current && amounts.current.start - end > 120) score -= 20;
  if (score <= 0) return null;
  return {
    current: amounts.current && { value: amounts.current.value, page },
    prior: amounts.prior && { value: amounts.prior.value, page },
    growthPercent: growth === null ? null : { value: growth, page },
    scale: amounts.current?.scale ?? (amounts.current?.currency != null ? 'one' : null),
    currency: amounts.current?.currency ?? null,
    score,
  };
}

/** `increased $568 million`, `rose by $1.5 billion`: how much it moved, not where it stands. */
function isChange(text: string, one: NumberMention): boolean {
  const before = text.slice(Math.max(0, one.start - 40), one.start);
  return /\b(?:by|increased|decreased|grew|rose|declined|fell|dropped|up|down|increase of|decrease of|decline of)\s*(?:about |approximately |nearly |over )?$/i.test(
    before,
  );
}

function nextConcept(text: string, from: number): number {
  anyConcept.lastIndex = from;
  return anyConcept.exec(text)?.index ?? text.length;
}

function isAmount(one: NumberMention, concept: FinanceConcept): boolean {
  if (concept.stems) return true;
  return one.currency !== null || one.scale !== null || (/,\d/.test(one.raw) && one.value >= 1_000);
}

function readAmounts(
  text: string,
  money: readonly NumberMention[],
): { current: NumberMention | null; prior: NumberMention | null } {
  const isCompared = (one: NumberMention): boolean =>
    /\b(?:from|compared (?:to|with)|versus|vs\.?|against|as against|over)\s*(?:a |an |the )?(?:loss of |profit of |income of )?$/i.test(
      text.slice(Math.max(0, one.start - 34), one.start),
    );
  const lossAt = (one: NumberMention): boolean =>
    /\bloss of\s*$/i.test(text.slice(Math.max(0, one.start - 10), one.start)) && one.value > 0;
  const signed = (one: NumberMention): NumberMention => (lossAt(one) ? { ...one, value: -one.value } : one);
  const current = money.find((one) => !isCompared(one));
  let prior = money.find((one) => isCompared(one) && one !== current);
  if (!prior && current && /\brespectively\b/i.test(text)) prior = money.find((one) => one.start > current.start);
  if (
    prior &&
    /\b(?:previous|preceding|prior|last) quarter\b|\bsequential|\bquarter[\s-]o[nv]e?r?[\s-]quarter\b|\bqoq\b/i.test(
      text.slice(prior.end),
    )
  )
    prior = undefined;
  const scaled =
    prior && current && prior.scale !== current.scale && prior.scale === null
      ? { ...prior, scale: current.scale }
      : prior;
  return {
    current: current ? signed(current) : null,
    prior: scaled && scaled.scale === current?.scale ? signed(scaled) : null,
  };
}

const falling =
  /\b(?:decreas\w*|declin\w*|fell|fall|falling|down|drop\w*|lower|reduc\w*|shrank|contract\w*|slipp\w*|slid)\b/i;
const rising =
  /\b(?:increas\w*|grew|grow\w*|up|rose|ris\w*|higher|jump\w*|climb\w*|gain\w*|expand\w*|surg\w*|improv\w*)\b/i;

function findGrowth(text: string, numbers: readonly NumberMention[], start: number, end: number): number | null {
  const candidates = numbers.filter(
    (one) => one.percent && !/^\s*(?:of\b|points?\b|bps|margin|in constant)/i.test(text.slice(one.end)),
  );
  const behind = candidates.find((one) => one.start >= end);
  const ahead = candidates
    .filter((one) => one.end <= start && start - one.end < 45)
    .find((one) =>
      /^\s*(?:(?:year[\s-]over[\s-]year|yoy)\s)?(?:increase|decrease|decline|growth|rise|drop|jump|fall)\s+(?:in|of)\b/i.test(
        text.slice(one.end),
      ),
    );
  const chosen = ahead ?? behind;
  if (!chosen) return null;
  if (chosen.value < 0 || chosen.raw.startsWith('+')) return chosen.value;
  const around =
    chosen === ahead
      ? text.slice(chosen.end, start)
      : `${text.slice(end, chosen.start)} ${text.slice(chosen.end, chosen.end + 14)}`;
  if (falling.test(around)) return -chosen.value;
  return rising.test(around) ||
    /\b(?:yoy|y-o-y|year[\s-]o[nv]e?r?[\s-]year)\b/i.test(text.slice(chosen.end, chosen.end + 30)) ||
    chosen === ahead
    ? chosen.value
    : null;
}

/** One of the allowed values, by cue words; undefined when nothing speaks for any of them. */
import { countCues, negativeWords, positiveWords, sentimentOf, valueCues, valueSynonyms } from '../lexicon/cues.js';
import { contentWords, hasWord, splitName } from '../schema/fieldWords.js';
import type { Json, Shape } from '../schema/shape.js';
import { describedAs, fieldWords, textOf, type Filled, type Scope } from './scope.js';

export function chooseEnum(shape: Shape, scope: Scope): Filled {
  const values = shape.values ?? [];
  if (values.length === 1) return values[0];
  const words = fieldWords(scope, shape);
  const name = words.join(' ');
  if (hasWord(words, 'currency'))
    return pick(values, scope.item?.figure?.currency ?? scope.source.figures.profile.currency);
  if (hasWord(words, 'unit', 'scale')) return pick(values, scope.source.figures.scale);
  const direction = chooseDirection(values, scope);
  if (direction !== undefined) return direction;
  const text = textOf(scope).slice(0, 100_000);
  const sentiment = chooseSentiment(values, text);
  if (sentiment !== undefined) return sentiment;

  const prompts = `${scope.source.material.instructions}\n${describedAs(shape)}`;
  const scores = values.map((value) => scoreValue(value, text, prompts));
  const best = Math.max(...scores);
  if (best > 0) return values[scores.indexOf(best)];
  return chooseNeutral(values, name);
}

function pick(values: readonly Json[], wanted: string | null): Filled {
  return wanted === null
    ? undefined
    : values.find((value) => typeof value === 'string' && value.toLowerCase() === wanted.toLowerCase());
}

const find = (values: readonly Json[], pattern: RegExp): Filled =>
  values.find((value) => typeof value === 'string' && pattern.test(value));

/** up/down/flat by the sign of the item's figure, else by the verbs of its sentence. */
function chooseDirection(values: readonly Json[], scope: Scope): Filled {
  const up = find(values, /^(?:up|upward|increas|rising|improv|growth|growing|higher|grow)/i);
  const down = find(values, /^(?:down|downward|decreas|falling|declin|worsen|lower|shrink)/i);
  if (up === undefined || down === undefined) return undefined;
  const flat = find(values, /^(?:flat|stable|steady|unchanged|neutral|same|mixed|none|constant)/i);
  const unknown = find(values, /^(?:unknown|n\/?a|not[\s_-]?stated|unclear)/i);
  const growth = scope.item?.figure?.growthPercent ?? null;
  if (growth !== null) return growth > 0 ? up : growth < 0 ? down : (flat ?? up);
  if (scope.item?.figure) return unknown ?? flat;
  const text = textOf(scope);
  const difference =
    countCues(text, /\b(?:increas\w*|grew|grow\w*|rose|up|higher|improv\w*|record|expand\w*|gain\w*)\b|\+\s?\d/gi) -
    countCues(text, /\b(?:decreas\w*|declin\w*|fell|down|lower|drop\w*|shrank|weak\w*)\b|[-−–]\s?\d[\d.]*\s?%/gi);
  return difference > 0 ? up : difference < 0 ? down : (flat ?? unknown);
}

function chooseSentiment(values: readonly Json[], text: string): Filled {
  const positive = find(values, /^(?:very[\s_-])?positive$|^bullish$|^good$/i);
  const negative = find(values, /^(?:very[\s_-])?negative$|^bearish$|^bad$/i);
  if (positive === undefined || negative === undefined) return undefined;
  const neutral = find(values, /^neutral$/i);
  const mixed = find(values, /^mixed$/i);
  const score = sentimentOf(text);
  const both = Math.min(countCues(text, positiveWords), countCues(text, negativeWords));
  if (Math.abs(score) <= 0.15) return both > 1 ? (mixed ?? neutral ?? positive) : (neutral ?? mixed ?? positive);
  return score > 0 ? positive : negative;
}

function scoreValue(value: Json, text: string, prompts: string): number {
  if (typeof value !== 'string') return 0;
  const name = splitName(value).join(' ');
  const key = splitName(value).join('_');
  const cue =
    valueCues[valueSynonyms[key] ?? key] ??
    valueCues[valueSynonyms[name.split(' ')[0] ?? ''] ?? name.split(' ')[0] ?? ''];
  let score = cue ? countCues(text, cue) : 0;
  if (name !== '')
    score +=
      2 * countCues(text, new RegExp(`\\b${name.replace(/[^\p{L}\p{N} ]/gu, '').replace(/ /g, '[\\s_-]')}\\b`, 'giu'));
  // What the instructions say of a value: "urgent: outages and data loss".
  const told = new RegExp(
    `\\b${name.replace(/[^\p{L}\p{N} ]/gu, '').replace(/ /g, '[\\s_-]')}["'”’)]?\\s*(?:[:=–-]|means|when|if|for)\\s*([^\\n.;]{3,160})`,
    'iu',
  ).exec(prompts)?.[1];
  if (told) {
    const stems = new Set(contentWords(told));
    score += 1.5 * contentWords(text.slice(0, 20_000)).filter((word) => stems.has(word)).length;
  }
  return score;
}

/** The value that claims least. */
function chooseNeutral(values: readonly Json[], name: string): Filled {
  const modest = find(values, /^(?:unknown|none|other|general|neutral|not[\s_-]?stated|unspecified|n\/?a)/i);
  if (modest !== undefined) return modest;
  if (/urgen|priorit|sever|impact|likelihood|probab|risk/.test(name))
    return find(values, /^(?:normal|medium|moderate|low)/i) ?? undefined;
  return undefined;
}

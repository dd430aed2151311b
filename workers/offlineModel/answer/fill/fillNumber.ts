/** Numbers: pages, counts, scores, and quantities near the words of the field. */
import { sentimentOf } from '../lexicon/cues.js';
import { hasWord, splitName } from '../schema/fieldWords.js';
import { fitNumber } from '../schema/defaultValue.js';
import { numberKeyword, type Shape } from '../schema/shape.js';
import { scanNumbers } from '../text/scanNumbers.js';
import { readability } from '../text/readability.js';
import { labelledValue } from './labelledValue.js';
import { fillQuantity, roleOf } from './fillFigure.js';
import { describedAs, fieldName, fieldWords, textOf, type Filled, type Scope } from './scope.js';

export function fillNumber(shape: Shape, scope: Scope): Filled {
  const words = fieldWords(scope, shape);
  if (hasWord(words, 'page', 'pages')) return scope.item?.page ?? undefined;
  const figure = scope.item?.figure;
  if (figure) {
    const value = figure[roleOf(fieldName(scope)) ?? 'current'];
    return value === null ? undefined : fitNumber(value, shape);
  }
  const measured = measure(words, shape, scope);
  if (measured !== undefined) return fitNumber(measured, shape);
  if (scope.item) return fromItem(shape, scope);
  const labelled = labelledValue(words, scope.source.document.lines);
  const stated = labelled === null ? undefined : scanNumbers(labelled.text)[0]?.value;
  if (stated !== undefined) return fitNumber(stated, shape);
  return fillQuantity(shape, scope);
}

function fromItem(shape: Shape, scope: Scope): Filled {
  const name = splitName(fieldName(scope));
  if (hasWord(name, 'index', 'rank', 'order', 'position', 'number', 'step') && name.length === 1)
    return fitNumber((scope.item?.index ?? 0) + 1, shape);
  const numbers = scanNumbers(textOf(scope)).filter((one) => one.percent || one.value < 1_900 || one.value > 2_100);
  const wantsPercent = roleOf(fieldName(scope)) === 'growthPercent';
  const found = numbers.find((one) => one.percent === wantsPercent);
  return found && fitNumber(found.value, shape);
}

/** What can be counted or rated from the text itself. */
function measure(words: readonly string[], shape: Shape, scope: Scope): number | undefined {
  const text = textOf(scope);
  const top = numberKeyword(shape, 'maximum') ?? scaleTop(describedAs(shape));
  if (hasWord(words, 'readability', 'flesch')) {
    const score = readability(text);
    return top !== null && top <= 10 ? Math.round(score * top) / 100 : score;
  }
  if (hasWord(words, 'word', 'words') && hasWord(words, 'count', 'number', 'total'))
    return text.match(/[\p{L}\p{N}][\p{L}\p{N}’'-]*/gu)?.length ?? 0;
  if (hasWord(words, 'sentence', 'sentences') && hasWord(words, 'count', 'number'))
    return scope.source.document.sentences.length;
  if (hasWord(words, 'character', 'characters') && hasWord(words, 'count', 'number')) return text.length;
  if (hasWord(words, 'sentiment', 'polarity')) {
    const score = Math.round(sentimentOf(text) * 100) / 100;
    const low = numberKeyword(shape, 'minimum');
    return low !== null && low >= 0 ? ((score + 1) / 2) * (top ?? 1) : score * (top ?? 1);
  }
  if (hasWord(words, 'confidence', 'certainty', 'probability', 'likelihood', 'relevance')) return (top ?? 1) * 0.6;
  if (hasWord(words, 'score', 'rating', 'quality', 'grade'))
    return (top ?? 10) * (0.5 + 0.3 * Math.max(-1, Math.min(1, sentimentOf(text))) + (text.length > 400 ? 0.1 : 0));
  return undefined;
}

function scaleTop(description: string): number | null {
  const match = /(?:0|1|0\.0)\s?(?:-|–|to|and|\.\.)\s?(1\.0|1|5|10|100)\b/.exec(description);
  return match ? Number(match[1]) : null;
}

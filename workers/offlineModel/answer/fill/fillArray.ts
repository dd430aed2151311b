/** Lists: of entries of the input, figures, sentences, keywords, entities or enum values. */
import { countCues, themes } from '../lexicon/cues.js';
import { findFormat } from '../schema/formats.js';
import { hasWord, splitName } from '../schema/fieldWords.js';
import { isObject, numberKeyword, shapeOf, textKeyword, type Json, type Shape } from '../schema/shape.js';
import { describeFigure } from '../compose/readFacts.js';
import { keywords } from '../text/keywords.js';
import { summarise } from '../text/summarise.js';
import { queryOf } from '../text/rankSentences.js';
import { adviseOn } from '../compose/adviseOn.js';
import { copyByName } from './copyByName.js';
import { findItems, itemLimit, rankFor } from './findItems.js';
import { planItems } from './planItems.js';
import { describedAs, fieldName, fieldWords, textOf, type Scope } from './scope.js';

type FillSchema = (schema: unknown, scope: Scope) => Json;

export function fillArray(shape: Shape, scope: Scope, fillSchema: FillSchema): Json[] {
  const part = shape.schema['items'] ?? {};
  if (Array.isArray(shape.schema['prefixItems'])) {
    return (shape.schema['prefixItems'] as unknown[]).map((one) =>
      fillSchema(one, { ...scope, depth: scope.depth + 1 }),
    );
  }
  const item = shapeOf(part, scope.source.root);
  if (item.values) return enumValues(item, scope);
  if (item.kind === 'string') return fillStrings(shape, item, scope);
  if (item.kind === 'object' || item.variants.length > 0) return fillObjects(shape, item, part, scope, fillSchema);
  if (item.kind === 'number' || item.kind === 'integer') {
    if (hasWord(splitName(fieldName(scope)), 'page', 'pages')) return scope.item?.page == null ? [] : [scope.item.page];
    const values = scope.source.material.facts.figures.flatMap((one) => one.current ?? []);
    return values.slice(0, itemLimit(shape, scope));
  }
  return [];
}

function enumValues(item: Shape, scope: Scope): Json[] {
  const text = textOf(scope).toLowerCase();
  return (item.values ?? []).filter((value) => {
    if (typeof value !== 'string') return false;
    const theme = themes.find((one) => one.field.test(value.toLowerCase()));
    return text.includes(splitName(value).join(' ')) || (theme !== undefined && countCues(text, theme.cue) > 0);
  });
}

function fillObjects(shape: Shape, item: Shape, part: unknown, scope: Scope, fillSchema: FillSchema): Json[] {
  if (scope.depth > 8) return [];
  const plan = planItems(item, scope);
  const items = plan ?? findItems(shape, scope);
  return items.map((one) => {
    const inner = { ...scope, item: one, depth: scope.depth + 1 };
    return fillSchema(part, inner);
  });
}

function fillStrings(shape: Shape, item: Shape, scope: Scope): Json[] {
  const words = fieldWords(scope, shape);
  const limit = itemLimit(shape, scope);
  const cut = (texts: readonly string[]): string[] => {
    const most = numberKeyword(item, 'maxLength');
    return [...new Set(texts.filter((text) => text !== ''))]
      .slice(0, limit)
      .map((text) => (most === null ? text : text.slice(0, most)));
  };
  const copied = copyByName(shape, scope);
  if (Array.isArray(copied)) return copied;
  const format =
    textKeyword(item, 'format') ||
    (hasWord(words, 'url', 'urls', 'links') ? 'uri' : hasWord(words, 'email', 'emails') ? 'email' : '');
  if (format !== '') return cut(findFormat(textOf(scope), format));
  if (hasWord(words, 'keyword', 'keywords', 'tags', 'tag', 'topics', 'terms', 'keyphrases', 'hashtags')) {
    const found = keywords(textOf(scope), limit);
    return hasWord(words, 'hashtags') ? found.map((one) => `#${one.replace(/\s+/g, '')}`) : cut(found);
  }
  if (hasWord(words, 'suggestions', 'suggestion', 'improvements', 'improvement')) {
    const advice = adviseOn(
      textOf(scope),
      hasWord(words, 'improvements', 'improvement') && /made|applied|done/i.test(describedAs(shape)),
    );
    if (!mentionsTheme(words, scope)) return cut(advice);
  }
  const named = fromItem(words, scope);
  if (named.length > 0) return cut(named);
  const narrative = hasWord(
    words,
    'performance',
    'summary',
    'overview',
    'paragraphs',
    'results',
    'content',
    'body',
    'narrative',
    'financials',
    'figures',
    'post',
    'posts',
  );
  if (narrative) return cut(paragraphs(shape, scope, limit));
  return cut(rankFor(shape, scope, limit).map((sentence) => sentence.text));
}

/** Whether the text itself makes recommendations that a list of them should repeat. */
function mentionsTheme(words: readonly string[], scope: Scope): boolean {
  const theme = themes.find((one) => words.some((word) => one.field.test(word)));
  return theme !== undefined && /\b(?:recommend|suggest|should)\w*\b/i.test(textOf(scope));
}

/** Lists of strings of the same stem anywhere in the input: `draft.performance` for `performance`. */
function fromItem(words: readonly string[], scope: Scope): string[] {
  const name = words.join(' ');
  const singular = name.replace(/s$/, '');
  const input = scope.item?.object ?? scope.source.material.input;
  let level = isObject(input) ? [input] : [];
  for (let depth = 0; depth < 4 && level.length > 0; depth += 1) {
    for (const object of level) {
      for (const [key, value] of Object.entries(object)) {
        const own = splitName(key).join(' ');
        if (own !== name && own.replace(/s$/, '') !== singular) continue;
        if (Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === 'string')) return value;
        if (typeof value === 'string' && value !== '') return [value];
      }
    }
    level = level.flatMap((object) => Object.values(object).filter(isObject));
  }
  return [];
}

/** What structured input says, a statement each; of a text its central sentences. */
function paragraphs(shape: Shape, scope: Scope, limit: number): string[] {
  const { facts } = scope.source.material;
  const trends = facts.statements.filter((one) => one.path.some((key) => /trend/i.test(key))).map((one) => one.text);
  const figures = facts.figures.map(describeFigure);
  const told =
    trends.length > 0
      ? [...trends, ...figures.filter((text) => !trends.some((trend) => sameFigures(trend, text)))]
      : figures;
  if (told.length > 0) return told.slice(0, limit);
  const query = queryOf([fieldWords(scope, shape).join(' '), 1], [describedAs(shape), 0.5]);
  return summarise(scope.source.index, query, limit).map((one) => one.text);
}

function sameFigures(a: string, b: string): boolean {
  const numbers = (text: string): string[] => text.match(/\d[\d,.]*\d|\d/g) ?? [];
  const own = new Set(numbers(a));
  return numbers(b).every((one) => own.has(one));
}

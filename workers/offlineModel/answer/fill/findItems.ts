/** What the entries of a list are about: entries of the input, figures, or sentences of the text. */
import { bonusOf } from '../text/summarise.js';
import { countCues, themes } from '../lexicon/cues.js';
import { conceptKeyOf } from '../lexicon/finance.js';
import { wantedCount } from '../lexicon/tasks.js';
import { hasWord, splitName, stem } from '../schema/fieldWords.js';
import {
  isObject,
  numberKeyword,
  propertiesOf,
  shapeOf,
  type Json,
  type JsonObject,
  type Shape,
} from '../schema/shape.js';
import { pickDistinct, queryOf, rankSentences } from '../text/rankSentences.js';
import type { Sentence } from '../text/readText.js';
import type { KnownFigure } from '../compose/readFacts.js';
import { documentFigures } from './documentFigures.js';
import { describedAs, fieldName, fieldWords, type Item, type Scope } from './scope.js';

const emptyItem: Item = {
  index: 0,
  sentence: null,
  object: null,
  figure: null,
  page: null,
  heading: null,
  sentences: [],
};

/** How many entries: what the schema, the description or the instructions say; five otherwise. */
export function itemLimit(shape: Shape, scope: Scope, usual = 5): number {
  const most = numberKeyword(shape, 'maxItems') ?? 50;
  const words = splitName(fieldName(scope));
  const told = wantedCount(describedAs(shape), words) ?? wantedCount(scope.source.material.instructions, words);
  return Math.max(Math.min(told ?? usual, most), Math.min(numberKeyword(shape, 'minItems') ?? 0, most));
}

export function findItems(shape: Shape, scope: Scope): Item[] {
  const words = splitName(fieldName(scope));
  const isFigures = hasWord(
    words,
    'metric',
    'metrics',
    'kpi',
    'kpis',
    'figure',
    'figures',
    'numbers',
    'financials',
    'trend',
    'trends',
    'changes',
  );
  const limit = itemLimit(shape, scope, isFigures ? 8 : 5);
  const given = fromInput(words, scope);
  if (given.length > 0)
    return number(given.slice(0, Math.max(limit, Math.min(given.length, numberKeyword(shape, 'maxItems') ?? 50))));
  if (isFigures) {
    const known = scope.source.material.facts.figures.filter(
      (one) => one.growthPercent !== null || !hasWord(words, 'trend', 'trends', 'changes'),
    );
    const figures = known.length > 0 ? known : figuresBeside(shape, scope, limit);
    if (figures.length > 0) return number(figures.slice(0, limit).map(itemOfFigure));
  }
  return number(rankFor(shape, scope, limit).map(itemOfSentence));
}

const number = (items: readonly Item[]): Item[] => items.map((item, index) => ({ ...item, index }));
export const itemOfSentence = (sentence: Sentence): Item => ({ ...emptyItem, sentence, page: sentence.page });

function itemOfFigure(figure: KnownFigure): Item {
  return { ...emptyItem, figure, page: figure.page };
}

export function itemOfObject(object: JsonObject): Item {
  const page = typeof object['page'] === 'number' ? object['page'] : null;
  return { ...emptyItem, object, page };
}

/** A list of objects of the same name in the input, or inside the item at hand. */
function fromInput(words: readonly string[], scope: Scope): Item[] {
  const name = words.map(stem).join(' ');
  const places: Json[] = [scope.item?.object ?? null, scope.item ? null : scope.source.material.input];
  let level = places.filter(isObject);
  for (let depth = 0; depth < 4 && level.length > 0; depth += 1) {
    for (const object of level) {
      for (const [key, value] of Object.entries(object)) {
        if (Array.isArray(value) && splitName(key).map(stem).join(' ') === name)
          return value.filter(isObject).map(itemOfObject);
      }
    }
    level = level.flatMap((object) => Object.values(object).filter(isObject));
  }
  return [];
}

/** The document's other figures: those that have no field of their own beside the list. */
function figuresBeside(_shape: Shape, scope: Scope, limit: number): KnownFigure[] {
  const rootShape = shapeOf(scope.source.root, scope.source.root);
  const own = new Set(propertiesOf(rootShape).flatMap(([name]) => conceptKeyOf(splitName(name)) ?? []));
  return documentFigures(scope.source, own, limit);
}

/** Sentences that speak of the field: its words, its description, the cues of its theme. */
export function rankFor(shape: Shape, scope: Scope, limit: number): Sentence[] {
  const { source } = scope;
  const words = fieldWords(scope, shape);
  const theme = themes.find((one) => words.some((word) => one.field.test(word)));
  const itemText = describedAs(shapeOf(shape.schema['items'], source.root));
  const query = queryOf(
    [`${describedAs(shape)} ${itemText}`, 0.5],
    [words.join(' '), 2],
    [source.material.input ? source.material.prompt : '', 0.3],
  );
  const total = source.index.sentences.length;
  const ranked = rankSentences(source.index, query, (sentence) => {
    const cues = theme ? Math.min(4, countCues(sentence.text, theme.cue)) : 0;
    const base = bonusOf(sentence, total);
    return theme ? (cues > 0 ? cues * 1.2 + base : -8) : base;
  });
  const good = theme ? ranked : ranked.filter((one) => one.score > 0.8);
  return pickDistinct(good, limit);
}

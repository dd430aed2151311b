/**
 * A value for a schema, from what the conversation says.
 *
 * Invariants:
 * 1. The result is valid: what no reader finds becomes the emptiest value the schema allows, what does not fit is cut to fit.
 * 2. Recursion ends: below 24 levels only emptiest values are made.
 */
import { defaultValue, fitNumber, fitString, padArray } from '../schema/defaultValue.js';
import { hasWord, splitName } from '../schema/fieldWords.js';
import { isValid } from '../schema/isValid.js';
import { isObject, propertiesOf, requiredOf, shapeOf, type Json, type Shape } from '../schema/shape.js';
import { chooseEnum } from './chooseEnum.js';
import { copyByName } from './copyByName.js';
import { fillArray } from './fillArray.js';
import { fillBoolean } from './fillBoolean.js';
import { fillFigure, isFigureShape } from './fillFigure.js';
import { fillNumber } from './fillNumber.js';
import { fillReview, isReviewShape } from './fillReview.js';
import { fillString } from './fillString.js';
import { fillTable, isTableShape } from './fillTable.js';
import { childScope, describedAs, fieldWords, textOf, type Filled, type Scope } from './scope.js';
import { contentWords } from '../schema/fieldWords.js';

const deepest = 24;

export function fillSchema(schema: unknown, scope: Scope): Json {
  const shape = shapeOf(schema, scope.source.root);
  return settle(fillValue(shape, scope), shape, scope);
}

/** The found value when it is valid, else the emptiest. */
function settle(value: Filled, shape: Shape, scope: Scope): Json {
  const { root } = scope.source;
  if (value !== undefined) {
    const fitted =
      typeof value === 'number' && shape.kind !== 'any'
        ? fitNumber(value, shape)
        : typeof value === 'string'
          ? (fitString(value, shape) ?? undefined)
          : value;
    if (fitted !== undefined && isValid(fitted, { ...shape.schema, ...(shape.nullable ? {} : {}) }, root))
      return fitted;
    if (fitted === null && shape.nullable) return null;
  }
  return defaultValue(shape, root, scope.depth);
}

export function fillValue(shape: Shape, scope: Scope): Filled {
  if (scope.depth > deepest || shape.kind === 'null') return undefined;
  if (shape.values)
    return shape.values.length === 1 ? shape.values[0] : (copyByName(shape, scope) ?? chooseEnum(shape, scope));
  if (shape.variants.length > 0) return fillVariant(shape, scope);
  const copied = copyByName(shape, scope);
  if (copied !== undefined) return copied;
  switch (shape.kind) {
    case 'string':
      return fillString(shape, scope);
    case 'number':
    case 'integer':
      return fillNumber(shape, scope);
    case 'boolean':
      return fillBoolean(shape, scope);
    case 'array':
      return padArray(fillArray(shape, scope, fillSchema), shape, scope.source.root, scope.depth);
    case 'object':
      return fillObject(shape, scope);
    default:
      return hasWord(fieldWords(scope, shape), 'page') ? (scope.item?.page ?? undefined) : undefined;
  }
}

function fillObject(shape: Shape, scope: Scope): Json {
  if (isReviewShape(shape, scope)) return complete(shape, scope, fillReview(shape, scope));
  if (isFigureShape(shape, scope)) return complete(shape, scope, fillFigure(shape, scope));
  if (isTableShape(shape, scope)) return complete(shape, scope, fillTable(shape, scope));
  return complete(shape, scope, {});
}

/** Every property: the one given, else one filled for itself; optional ones that nothing is known of stay away. */
function complete(shape: Shape, scope: Scope, given: { readonly [name: string]: Filled }): Json {
  const required = requiredOf(shape);
  const entries: [string, Json][] = [];
  for (const [name, part] of propertiesOf(shape)) {
    const child = shapeOf(part, scope.source.root);
    const inner = childScope(scope, name);
    const value = Object.hasOwn(given, name) ? given[name] : fillValue(child, inner);
    if (value === undefined && !required.has(name)) continue;
    const settled = settle(value, child, inner);
    if (!required.has(name) && (settled === null || settled === '' || (Array.isArray(settled) && settled.length === 0)))
      continue;
    entries.push([name, settled]);
  }
  const object = Object.fromEntries(entries);
  const rest = shape.schema['additionalProperties'];
  if (propertiesOf(shape).length === 0 && isObject(rest)) return fillRecord(shape, scope, rest);
  const empty = defaultValue(shape, scope.source.root, scope.depth);
  return isObject(empty) ? { ...empty, ...object } : object;
}

/** A map of free keys (`z.record`): the labelled lines of the text whose values fit. */
function fillRecord(shape: Shape, scope: Scope, part: unknown): Json {
  const child = shapeOf(part, scope.source.root);
  const entries: [string, Json][] = [];
  if (scope.item === null) {
    for (const figure of scope.source.material.facts.figures) {
      if ((child.kind === 'number' || child.kind === 'integer') && figure.current !== null)
        entries.push([figure.key, fitNumber(figure.current, child)]);
    }
  }
  const result = Object.fromEntries(entries);
  return isValid(result, shape.schema, scope.source.root)
    ? result
    : defaultValue(shape, scope.source.root, scope.depth);
}

/** Of alternatives the one whose tag or own words the text speaks of most; the first that can be filled when none. */
function fillVariant(shape: Shape, scope: Scope): Filled {
  const copied = copyByName(shape, scope);
  if (copied !== undefined) return copied;
  const stems = new Set(contentWords(`${textOf(scope).slice(0, 20_000)}`));
  const rate = (variant: Shape): number => {
    const tags = propertiesOf(variant).flatMap(([, part]) => shapeOf(part, scope.source.root).values ?? []);
    const words = contentWords([...tags.map(String).flatMap(splitName), describedAs(variant)].join(' '));
    return words.filter((word) => stems.has(word)).length / Math.max(1, words.length);
  };
  const order = shape.variants
    .map((variant, at) => ({ variant, at, score: rate(variant) }))
    .sort((a, b) => b.score - a.score || a.at - b.at);
  for (const { variant } of order) {
    const value = fillValue(variant, { ...scope, depth: scope.depth + 1 });
    if (value !== undefined && isValid(value, variant.schema, scope.source.root)) return value;
  }
  return undefined;
}

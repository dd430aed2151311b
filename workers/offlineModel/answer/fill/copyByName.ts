/**
 * Values of the structured input that an answer's field repeats under the same name.
 *
 * Invariant: general names (`text`, `page`, `title`) are taken from the item at hand only; found anywhere else in the
 * input they would belong to something else.
 */
import { splitName } from '../schema/fieldWords.js';
import { isValid } from '../schema/isValid.js';
import { isObject, type Json, type JsonObject, type Shape } from '../schema/shape.js';
import { fieldName, type Scope } from './scope.js';

const generalNames =
  /^(?:text|texts|page|pages|name|title|subtitle|heading|description|summary|id|value|values|type|kind|status|content|body|items|data|result|results|output|message|reason|reasons|score|confidence|label|category|sections?|report|draft|feedback|acceptable|approved|keywords|tags|evidence|unit|notes?|paragraphs?|bullets|rows|columns|headers|table|chart|current|prior|growth percent|success|error|priority|severity|sentiment|answer|response|question)$/;

export function copyByName(shape: Shape, scope: Scope): Json | undefined {
  const name = splitName(fieldName(scope)).join(' ');
  if (name === '') return undefined;
  const fits = (value: Json | undefined): value is Json =>
    value !== undefined && value !== null && value !== '' && isValid(value, shape.schema, scope.source.root);
  if (scope.item?.object) {
    const own = valueNamed(scope.item.object, name);
    if (fits(own)) return own;
  }
  const input = scope.source.material.input;
  if (input === null || generalNames.test(name)) return undefined;
  if (scope.item !== null && !/^(?:company|period|currency)$/.test(name)) return undefined;
  return search(input, name, fits);
}

export function valueNamed(object: JsonObject, name: string): Json | undefined {
  for (const [key, value] of Object.entries(object)) if (splitName(key).join(' ') === name) return value;
  return undefined;
}

/** Breadth first, four levels deep, lists left out: their entries are many and a field is one. */
function search(input: JsonObject, name: string, fits: (value: Json | undefined) => value is Json): Json | undefined {
  let level: JsonObject[] = [input];
  for (let depth = 0; depth < 4 && level.length > 0; depth += 1) {
    for (const object of level) {
      const value = valueNamed(object, name);
      if (fits(value)) return value;
    }
    level = level.flatMap((object) => Object.values(object).filter(isObject));
  }
  return undefined;
}

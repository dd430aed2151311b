/** Whether a value fits a schema: the keywords schema libraries emit for structured outputs, no more. */
import { isFormat } from './formats.js';
import { isObject, resolve, type Json, type SchemaRoot } from './shape.js';

export function isValid(value: Json, schema: unknown, root: SchemaRoot, depth = 0): boolean {
  if (schema === false) return false;
  if (schema === true || depth > 64) return true;
  const at = resolve(schema, root);
  const check = (part: unknown, one: Json): boolean => isValid(one, part, root, depth + 1);
  if (Array.isArray(at['anyOf']) && !at['anyOf'].some((part) => check(part, value))) return false;
  if (Array.isArray(at['oneOf']) && at['oneOf'].filter((part) => check(part, value)).length !== 1) return false;
  if (at['not'] !== undefined && check(at['not'], value)) return false;
  if (at['const'] !== undefined && !isSame(at['const'] as Json, value)) return false;
  if (Array.isArray(at['enum']) && !(at['enum'] as Json[]).some((one) => isSame(one, value))) return false;
  if (at['type'] !== undefined) {
    const types = Array.isArray(at['type']) ? (at['type'] as unknown[]) : [at['type']];
    if (!types.some((type) => isOfType(value, type))) return false;
  }
  if (typeof value === 'string') return isValidString(value, at);
  if (typeof value === 'number') return isValidNumber(value, at);
  if (Array.isArray(value)) return isValidArray(value, at, check);
  if (isObject(value)) return isValidObject(value, at, check);
  return true;
}

export function isSame(a: Json, b: Json): boolean {
  if (a === b) return true;
  return typeof a === 'object' && typeof b === 'object' && JSON.stringify(a) === JSON.stringify(b);
}

function isOfType(value: Json, type: unknown): boolean {
  switch (type) {
    case 'null':
      return value === null;
    case 'integer':
      return typeof value === 'number' && Number.isInteger(value);
    case 'array':
      return Array.isArray(value);
    case 'object':
      return isObject(value);
    default:
      return typeof value === type;
  }
}

type Keywords = { readonly [keyword: string]: unknown };
const bound = (at: Keywords, keyword: string, otherwise: number): number => {
  const value = at[keyword];
  return typeof value === 'number' ? value : otherwise;
};

function isValidString(value: string, at: Keywords): boolean {
  const length = [...value].length;
  if (length < bound(at, 'minLength', 0) || length > bound(at, 'maxLength', Infinity)) return false;
  if (typeof at['format'] === 'string' && !isFormat(value, at['format'])) return false;
  return typeof at['pattern'] !== 'string' || matchesPattern(value, at['pattern']);
}

/** Long values are not tried: a foreign pattern may take exponential time on them. */
export function matchesPattern(value: string, pattern: string): boolean {
  if (value.length > 300) return false;
  try {
    return new RegExp(pattern, 'u').test(value);
  } catch {
    return false;
  }
}

function isValidNumber(value: number, at: Keywords): boolean {
  if (value < bound(at, 'minimum', -Infinity) || value > bound(at, 'maximum', Infinity)) return false;
  if (value <= bound(at, 'exclusiveMinimum', -Infinity) || value >= bound(at, 'exclusiveMaximum', Infinity))
    return false;
  const step = bound(at, 'multipleOf', 0);
  return step <= 0 || Math.abs(value / step - Math.round(value / step)) < 1e-9;
}

function isValidArray(value: Json[], at: Keywords, check: (part: unknown, one: Json) => boolean): boolean {
  if (value.length < bound(at, 'minItems', 0) || value.length > bound(at, 'maxItems', Infinity)) return false;
  if (at['uniqueItems'] === true && new Set(value.map((one) => JSON.stringify(one))).size !== value.length)
    return false;
  const prefix = Array.isArray(at['prefixItems']) ? (at['prefixItems'] as unknown[]) : [];
  const rest = at['items'] ?? true;
  return value.every((one, index) => check(index < prefix.length ? prefix[index] : rest, one));
}

function isValidObject(
  value: { [key: string]: Json },
  at: Keywords,
  check: (part: unknown, one: Json) => boolean,
): boolean {
  const properties = isObject(at['properties']) ? at['properties'] : {};
  const required = Array.isArray(at['required']) ? at['required'] : [];
  if (required.some((name) => typeof name === 'string' && !Object.hasOwn(value, name))) return false;
  const keys = Object.keys(value);
  if (keys.length < bound(at, 'minProperties', 0) || keys.length > bound(at, 'maxProperties', Infinity)) return false;
  return keys.every((key) => {
    if (at['propertyNames'] !== undefined && !check(at['propertyNames'], key)) return false;
    const one = value[key] as Json;
    if (Object.hasOwn(properties, key)) return check(properties[key], one);
    return check(at['additionalProperties'] ?? true, one);
  });
}

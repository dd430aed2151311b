/**
 * The emptiest value a schema allows: null before '', 0, false and []; and the repair that makes a found value fit.
 * What a schema demands and no text gives (an e-mail address that may not be null) becomes a plain placeholder.
 */
import { placeholderOf } from './formats.js';
import { isValid, matchesPattern } from './isValid.js';
import { samplePattern } from './samplePattern.js';
import {
  isObject,
  numberKeyword,
  propertiesOf,
  requiredOf,
  shapeOf,
  textKeyword,
  type Json,
  type Shape,
  type SchemaRoot,
} from './shape.js';

const deepest = 24;

export function defaultValue(shape: Shape, root: SchemaRoot, depth = 0): Json {
  if (shape.nullable || shape.kind === 'null' || depth > deepest) return null;
  if (shape.schema['default'] !== undefined && isValid(shape.schema['default'] as Json, shape.schema, root)) {
    return shape.schema['default'] as Json;
  }
  if (shape.values) return shape.values[0] ?? null;
  if (shape.variants.length > 0) return defaultVariant(shape, root, depth);
  switch (shape.kind) {
    case 'string':
      return defaultString(shape);
    case 'number':
    case 'integer':
      return fitNumber(0, shape);
    case 'boolean':
      return false;
    case 'array':
      return padArray([], shape, root, depth);
    case 'object':
      return defaultObject(shape, root, depth);
    default:
      return null;
  }
}

/** The alternative that needs least: one that does not lead back into itself. */
function defaultVariant(shape: Shape, root: SchemaRoot, depth: number): Json {
  const sizes = shape.variants.map((variant) => JSON.stringify(defaultValue(variant, root, depth + 4)).length);
  const smallest = sizes.indexOf(Math.min(...sizes));
  const variant = shape.variants[smallest];
  return variant ? defaultValue(variant, root, depth + 1) : null;
}

function defaultObject(shape: Shape, root: SchemaRoot, depth: number): Json {
  const required = requiredOf(shape);
  const entries = propertiesOf(shape)
    .filter(([name]) => required.has(name))
    .map(([name, part]): [string, Json] => [name, defaultValue(shapeOf(part, root), root, depth + 1)]);
  const known = new Set(entries.map(([name]) => name));
  for (const name of required) {
    if (!known.has(name))
      entries.push([name, defaultValue(shapeOf(shape.schema['additionalProperties'] ?? {}, root), root, depth + 1)]);
  }
  return Object.fromEntries(entries);
}

export function defaultString(shape: Shape): string {
  const format = textKeyword(shape, 'format');
  const pattern = textKeyword(shape, 'pattern');
  const placeholder = placeholderOf(format);
  if (placeholder !== null && (pattern === '' || matchesPattern(placeholder, pattern))) return placeholder;
  if (pattern !== '' && !matchesPattern('', pattern)) return samplePattern(pattern) ?? '';
  const least = numberKeyword(shape, 'minLength') ?? 0;
  if (least === 0) return '';
  const text = 'not stated';
  const most = numberKeyword(shape, 'maxLength') ?? Infinity;
  if (text.length >= least && text.length <= most) return text;
  return most < text.length ? '-'.repeat(Math.max(least, 1)) : text.padEnd(least, '.');
}

export function fitNumber(value: number, shape: Shape): number {
  const step = numberKeyword(shape, 'multipleOf') ?? (shape.kind === 'integer' ? 1 : 0);
  const tiny = step > 0 ? step : 1e-6;
  const low = Math.max(
    numberKeyword(shape, 'minimum') ?? -Infinity,
    (numberKeyword(shape, 'exclusiveMinimum') ?? -Infinity) + tiny,
  );
  const high = Math.min(
    numberKeyword(shape, 'maximum') ?? Infinity,
    (numberKeyword(shape, 'exclusiveMaximum') ?? Infinity) - tiny,
  );
  const within = Math.min(Math.max(value, low), high);
  if (step <= 0) return within;
  const rounded = Math.round(within / step) * step;
  const fitted = rounded < low ? rounded + step : rounded > high ? rounded - step : rounded;
  return Number(fitted.toPrecision(15));
}

export function fitString(value: string, shape: Shape): string | null {
  const most = numberKeyword(shape, 'maxLength') ?? Infinity;
  const chars = value.length > most ? [...value] : null;
  let text = value;
  if (chars && chars.length > most) {
    const cut = chars.slice(0, most).join('');
    const space = cut.lastIndexOf(' ');
    text = most > 20 && space > most * 0.6 ? cut.slice(0, space) : cut;
  }
  return isValid(text, shape.schema, true) ? text : null;
}

/** Up to `minItems` entries of the emptiest kind, different from each other where they have to be. */
export function padArray(items: Json[], shape: Shape, root: SchemaRoot, depth = 0): Json[] {
  const most = numberKeyword(shape, 'maxItems') ?? Infinity;
  const unique = shape.schema['uniqueItems'] === true;
  const prefix = Array.isArray(shape.schema['prefixItems']) ? (shape.schema['prefixItems'] as unknown[]) : [];
  const least = Math.max(numberKeyword(shape, 'minItems') ?? 0, 0);
  const seen = new Set<string>();
  const result = items
    .filter((item) => !unique || (!seen.has(JSON.stringify(item)) && seen.add(JSON.stringify(item))))
    .slice(0, most);
  while (result.length < least && result.length < 1_000) {
    const part = shapeOf(prefix[result.length] ?? shape.schema['items'] ?? {}, root);
    result.push(unique ? distinct(part, root, result, depth) : defaultValue(part, root, depth + 1));
  }
  return result;
}

function distinct(shape: Shape, root: SchemaRoot, taken: readonly Json[], depth: number): Json {
  const used = new Set(taken.map((item) => JSON.stringify(item)));
  const base = defaultValue(shape, root, depth + 1);
  const candidates: Json[] = [...(shape.values ?? []), base];
  for (let n = 1; n <= taken.length + 1; n += 1) {
    if (typeof base === 'string') candidates.push(`${base === '' ? 'not stated' : base} ${n}`);
    if (typeof base === 'number') candidates.push(base + n, base - n);
    if (isObject(base))
      for (const key of Object.keys(base))
        if (typeof base[key] === 'string') candidates.push({ ...base, [key]: `${base[key]} ${n}`.trim() });
  }
  return candidates.find((one) => !used.has(JSON.stringify(one)) && isValid(one, shape.schema, root)) ?? base;
}

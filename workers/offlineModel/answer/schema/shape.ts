/**
 * JSON schemas as plain shapes: references followed, `allOf` merged, null taken out of unions.
 *
 * Invariants:
 * 1. Nothing is expanded before it is asked for, so recursive schemas cost nothing.
 * 2. A chain of references is followed 32 links far; a longer one is a circle and allows anything.
 */
import type { JsonSchema } from '../../types.js';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };
type SchemaObject = { readonly [keyword: string]: unknown };

export type Kind = 'object' | 'array' | 'string' | 'number' | 'integer' | 'boolean' | 'null' | 'any';

export interface Shape {
  readonly kind: Kind;
  readonly nullable: boolean;
  /** The only values allowed, of `enum` or `const`; null taken out. */
  readonly values: readonly Json[] | null;
  /** More than one: the alternatives of `anyOf`, `oneOf` or a list of types. */
  readonly variants: readonly Shape[];
  readonly schema: SchemaObject;
}

export type SchemaRoot = JsonSchema;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function shapeOf(schema: unknown, root: SchemaRoot): Shape {
  const resolved = resolve(schema, root);
  const unions = [resolved['anyOf'], resolved['oneOf']].find(
    (list): list is unknown[] => Array.isArray(list) && list.length > 0,
  );
  if (unions) return unionShape(resolved, unions, root);

  const types = typesOf(resolved);
  const nullable =
    types.includes('null') ||
    (Array.isArray(resolved['enum']) && resolved['enum'].includes(null)) ||
    resolved['const'] === null;
  const named = types.filter((type) => type !== 'null');
  const values = valuesOf(resolved);
  if (named.length > 1) {
    const variants = named.map((type) => shapeOf({ ...resolved, type }, root));
    return { kind: 'any', nullable, values, variants, schema: resolved };
  }
  const kind = named[0] ?? (types.length > 0 ? 'null' : 'any');
  return {
    kind: kind === 'any' && values ? kindOf(values[0]) : kind,
    nullable,
    values,
    variants: [],
    schema: resolved,
  };
}

function unionShape(schema: SchemaObject, union: readonly unknown[], root: SchemaRoot): Shape {
  const { anyOf: _anyOf, oneOf: _oneOf, ...outer } = schema;
  const all = union.map((one) => shapeOf(merge(outer, resolve(one, root)), root));
  const variants = all.filter((one) => one.kind !== 'null');
  const nullable = all.some((one) => one.nullable || one.kind === 'null');
  const only = variants[0];
  if (!only) return { kind: 'null', nullable: true, values: null, variants: [], schema };
  if (variants.length === 1) return { ...only, nullable };
  return { kind: 'any', nullable, values: null, variants, schema: outer };
}

export function resolve(schema: unknown, root: SchemaRoot): SchemaObject {
  let current: SchemaObject = isObject(schema) ? schema : {};
  for (let link = 0; link < 32; link += 1) {
    const ref = current['$ref'];
    if (typeof ref !== 'string') break;
    const { $ref: _ref, ...beside } = current;
    const target = lookUp(ref, root);
    current = merge(isObject(target) ? target : {}, beside);
  }
  const all = current['allOf'];
  if (!Array.isArray(all)) return current;
  const { allOf: _allOf, ...rest } = current;
  return all.reduce<SchemaObject>((merged, part) => merge(merged, resolve(part, root)), rest);
}

function lookUp(ref: string, root: SchemaRoot): unknown {
  if (!ref.startsWith('#')) return {};
  let at: unknown = root;
  for (const part of ref.slice(1).split('/').filter(Boolean)) {
    const key = decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~');
    if (Array.isArray(at)) at = (at as unknown[])[Number(key)];
    else at = isObject(at) && Object.hasOwn(at, key) ? at[key] : undefined;
  }
  return at;
}

function merge(a: SchemaObject, b: SchemaObject): SchemaObject {
  const merged: Record<string, unknown> = { ...a, ...b };
  if (isObject(a['properties']) && isObject(b['properties']))
    merged['properties'] = { ...a['properties'], ...b['properties'] };
  if (Array.isArray(a['required']) && Array.isArray(b['required']))
    merged['required'] = [...new Set([...a['required'], ...b['required']])];
  return merged;
}

function typesOf(schema: SchemaObject): Kind[] {
  const type = schema['type'];
  const list = (Array.isArray(type) ? type : [type]).filter((one): one is Kind => typeof one === 'string');
  if (list.length > 0) return list;
  if (isObject(schema['properties'])) return ['object'];
  if (schema['items'] !== undefined || Array.isArray(schema['prefixItems'])) return ['array'];
  return [];
}

function valuesOf(schema: SchemaObject): Json[] | null {
  if (schema['const'] !== undefined) return schema['const'] === null ? null : [schema['const'] as Json];
  if (!Array.isArray(schema['enum'])) return null;
  const values = (schema['enum'] as Json[]).filter((value) => value !== null);
  return values.length > 0 ? values : null;
}

function kindOf(value: Json | undefined): Kind {
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value as 'object' | 'string' | 'boolean';
}

export function propertiesOf(shape: Shape): [string, unknown][] {
  return isObject(shape.schema['properties']) ? Object.entries(shape.schema['properties']) : [];
}

export function requiredOf(shape: Shape): ReadonlySet<string> {
  const required = shape.schema['required'];
  return new Set(Array.isArray(required) ? required.filter((name): name is string => typeof name === 'string') : []);
}

export function numberKeyword(shape: Shape, keyword: string): number | null {
  const value = shape.schema[keyword];
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

export function textKeyword(shape: Shape, keyword: string): string {
  const value = shape.schema[keyword];
  return typeof value === 'string' ? value : '';
}

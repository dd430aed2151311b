import type { JsonSchema } from './schema.js';

/** What stands where a secret was. */
const hidden = '[secret]';

/**
 * A value without what its schema calls secret: `z.string().meta({ secret: true })`.
 *
 * @param schema of the value, as JSON Schema, in which zod keeps what `meta` says
 */
export function redact(value: unknown, schema: JsonSchema): unknown {
  return hide(value, schemasAt(schema, schema), schema);
}

/** Whether a value of the schema may hold a secret. */
export function hasSecrets(schema: JsonSchema): boolean {
  return JSON.stringify(schema).includes('"secret":true');
}

function hide(value: unknown, schemas: readonly JsonSchema[], root: JsonSchema): unknown {
  if (schemas.some(({ secret }) => secret === true)) return hidden;
  if (typeof value !== 'object' || value === null) return value;
  const inner = (of: (schema: JsonSchema) => unknown): JsonSchema[] =>
    schemas.flatMap((schema) => schemasAt(of(schema), root));
  if (Array.isArray(value)) {
    return value.map((item, index) =>
      hide(
        item,
        inner(({ items, prefixItems }) => (prefixItems as unknown[] | undefined)?.[index] ?? items),
        root,
      ),
    );
  }
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [
      name,
      hide(
        field,
        inner(({ properties, additionalProperties }) => {
          const known = properties as Record<string, unknown> | undefined;
          return known && Object.hasOwn(known, name) ? known[name] : additionalProperties;
        }),
        root,
      ),
    ]),
  );
}

/** The schema itself, what it refers to, and its alternatives. */
function schemasAt(schema: unknown, root: JsonSchema, depth = 0): JsonSchema[] {
  if (typeof schema !== 'object' || schema === null || depth > 10) return [];
  const { $ref, anyOf, oneOf, allOf } = schema as Record<string, unknown>;
  const more = [anyOf, oneOf, allOf].flatMap((list) => (Array.isArray(list) ? (list as unknown[]) : []));
  const referred = typeof $ref === 'string' ? [at($ref, root)] : [];
  return [schema as JsonSchema, ...[...referred, ...more].flatMap((one) => schemasAt(one, root, depth + 1))];
}

/** @param pointer `#`, or `#/$defs/name` */
function at(pointer: string, root: JsonSchema): unknown {
  return pointer
    .split('/')
    .slice(1)
    .reduce<unknown>((value, name) => (value as Record<string, unknown> | undefined)?.[name], root);
}

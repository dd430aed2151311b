/**
 * Whether JSON with references can be what a schema asks for, as far as that shows before anything has run.
 *
 * Invariant: it speaks only when it is sure. What it does not know (a keyword, a reference's type) it lets pass; the agent or
 * tool checks its real input anyway.
 */
import type { JsonSchema } from '../schema.js';
import { type DocumentPath, formatPath, isReference } from './references.js';

/** The schema of what a reference leads to, as far as it is known. */
export type SchemaOf = (reference: { $ref: unknown }) => JsonSchema | undefined;

const maxDepth = 40;

export function schemaFaults(value: unknown, schema: JsonSchema, at: DocumentPath, schemaOf: SchemaOf): string[] {
  return faults(value, schema, { at, schemaOf, root: schema, depth: 0 });
}

interface Place {
  at: DocumentPath;
  schemaOf: SchemaOf;
  root: JsonSchema;
  depth: number;
}

function faults(value: unknown, given: JsonSchema, place: Place): string[] {
  const schema = dereference(given, place.root);
  if (place.depth > maxDepth || schema === undefined) return [];
  const where = formatPath(place.at);
  if (isReference(value)) {
    const found = place.schemaOf(value);
    return found && disjoint(typesOf(found), typesOf(schema))
      ? [
          `${where}: ${typesOf(schema)!.join(' or ')} is needed, and ${String(value.$ref)} is ${typesOf(found)!.join(' or ')}`,
        ]
      : [];
  }
  const variants = (schema['anyOf'] ?? schema['oneOf']) as JsonSchema[] | undefined;
  if (variants) {
    const each = variants.map((variant) => faults(value, variant, { ...place, depth: place.depth + 1 }));
    if (each.some((one) => one.length === 0)) return [];
    const fitting = variants.findIndex((variant) => fits(value, typesOf(dereference(variant, place.root))));
    return each[fitting] ?? [`${where}: it is none of the ${variants.length} forms it may have`];
  }
  if (Object.hasOwn(schema, 'const') && schema['const'] !== value)
    return [`${where}: ${JSON.stringify(schema['const'])} is needed`];
  const choices = schema['enum'];
  if (Array.isArray(choices) && !choices.includes(value))
    return [
      `${where}: one of ${choices
        .slice(0, 20)
        .map((choice) => JSON.stringify(choice))
        .join(', ')} is needed`,
    ];
  const types = typesOf(schema);
  if (!fits(value, types)) return [`${where}: ${types!.join(' or ')} is needed, and this is ${typeOf(value)}`];
  if (Array.isArray(value)) return listFaults(value, schema, place);
  return typeof value === 'object' && value !== null
    ? objectFaults(value as Record<string, unknown>, schema, place)
    : [];
}

function listFaults(value: readonly unknown[], schema: JsonSchema, place: Place): string[] {
  const items = schema['items'];
  if (typeof items !== 'object' || items === null) return [];
  return value.flatMap((item, index) => faults(item, items as JsonSchema, deeper(place, index)));
}

function objectFaults(value: Record<string, unknown>, schema: JsonSchema, place: Place): string[] {
  const properties = (schema['properties'] ?? {}) as Record<string, JsonSchema>;
  const required = (schema['required'] ?? []) as string[];
  const known = (name: string): boolean => Object.hasOwn(properties, name);
  const closed = schema['additionalProperties'] === false;
  return [
    ...required
      .filter((name) => !Object.hasOwn(value, name))
      .map((name) => `${formatPath(place.at)}: the field ${name} is missing`),
    ...Object.entries(value).flatMap(([name, part]) => {
      if (known(name)) return faults(part, properties[name]!, deeper(place, name));
      return closed ? [`${formatPath([...place.at, name])}: there is no such field; ${fieldsOf(properties)}`] : [];
    }),
  ];
}

function deeper(place: Place, part: string | number): Place {
  return { ...place, at: [...place.at, part], depth: place.depth + 1 };
}

/**
 * The schema of a field of a value.
 *
 * @returns undefined when it is not known; `fault` when there is surely no such field
 */
export function fieldSchema(
  given: JsonSchema,
  name: string,
  root: JsonSchema,
): JsonSchema | { fault: string } | undefined {
  const schema = dereference(given, root);
  const types = schema && typesOf(schema);
  if (!schema || types?.length !== 1) return undefined;
  if (types[0] === 'array')
    return /^\d+$/.test(name) ? withDefinitions(schema['items'], root) : { fault: 'it is a list' };
  if (types[0] !== 'object') return { fault: `it is ${types[0]}` };
  const properties = (schema['properties'] ?? {}) as Record<string, JsonSchema>;
  if (Object.hasOwn(properties, name)) return withDefinitions(properties[name], root);
  return schema['additionalProperties'] === false ? { fault: fieldsOf(properties) } : undefined;
}

/** A part of a schema on its own still needs what its `$ref`s name. */
function withDefinitions(part: unknown, root: JsonSchema): JsonSchema | undefined {
  if (typeof part !== 'object' || part === null) return undefined;
  return root['$defs'] ? { ...part, $defs: root['$defs'] } : (part as JsonSchema);
}

function dereference(schema: JsonSchema | undefined, root: JsonSchema): JsonSchema | undefined {
  const target = schema?.['$ref'];
  if (typeof target !== 'string') return schema;
  if (target === '#') return root;
  const name = /^#\/\$defs\/([^/]+)$/.exec(target)?.[1];
  const definitions = root['$defs'] as Record<string, JsonSchema> | undefined;
  return name !== undefined && definitions && Object.hasOwn(definitions, name) ? definitions[name] : undefined;
}

function typesOf(schema: JsonSchema | undefined): string[] | undefined {
  const type = schema?.['type'];
  if (typeof type === 'string') return [type];
  if (Array.isArray(type)) return type as string[];
  const variants = (schema?.['anyOf'] ?? schema?.['oneOf']) as JsonSchema[] | undefined;
  const each = variants?.map(typesOf);
  return each?.every((types) => types !== undefined) ? [...new Set(each.flat())] : undefined;
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value === 'number' && Number.isInteger(value) ? 'integer' : typeof value;
}

/** Whether no value has one of both types; unknown types have something in common with all. */
function disjoint(some: readonly string[] | undefined, others: readonly string[] | undefined): boolean {
  const numeric = (type: string): string => (type === 'integer' ? 'number' : type);
  return !!some && !!others && !some.some((type) => others.some((other) => numeric(type) === numeric(other)));
}

function fits(value: unknown, types: readonly string[] | undefined): boolean {
  const type = typeOf(value);
  return !types || types.includes(type) || (type === 'integer' && types.includes('number'));
}

function fieldsOf(properties: Record<string, unknown>): string {
  return `the fields are: ${Object.keys(properties).slice(0, 20).join(', ') || 'none'}`;
}

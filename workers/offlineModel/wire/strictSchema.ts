import type { JsonSchema } from '../types.js';

/**
 * What keeps a schema from `strict: true`: there every object lists all its properties as required and allows no others,
 * and the answer as a whole is an object.
 *
 * @returns the first problem, in the words a client of OpenAI knows; undefined when there is none
 */
export function findStrictProblem(schema: JsonSchema): string | undefined {
  if (typeof schema === 'boolean' || schema['type'] !== 'object') {
    return 'schema must be a JSON Schema of \'type: "object"\'.';
  }
  return findObjectProblem(schema, []);
}

function findObjectProblem(schema: unknown, path: readonly string[]): string | undefined {
  if (!isRecord(schema)) return undefined;
  const here = `In context=(${path.map((part) => `'${part}'`).join(', ')})`;
  const properties = schema['properties'];
  if (schema['type'] === 'object' || isRecord(properties)) {
    if (schema['additionalProperties'] !== false) {
      return `${here}, 'additionalProperties' is required to be supplied and to be false.`;
    }
    const required = Array.isArray(schema['required']) ? schema['required'] : [];
    const missing = Object.keys(isRecord(properties) ? properties : {}).find((key) => !required.includes(key));
    if (missing !== undefined) {
      return `${here}, 'required' is required to be supplied and to be an array including every key in properties. Missing '${missing}'.`;
    }
  }
  for (const [child, childPath] of childSchemas(schema, path)) {
    const problem = findObjectProblem(child, childPath);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function* childSchemas(schema: Record<string, unknown>, path: readonly string[]): Iterable<[unknown, string[]]> {
  for (const keyword of ['properties', '$defs', 'definitions']) {
    const named = schema[keyword];
    if (isRecord(named)) for (const [key, child] of Object.entries(named)) yield [child, [...path, keyword, key]];
  }
  for (const keyword of ['anyOf', 'oneOf', 'allOf', 'prefixItems']) {
    const listed = schema[keyword];
    if (Array.isArray(listed)) for (const [i, child] of listed.entries()) yield [child, [...path, keyword, String(i)]];
  }
  yield [schema['items'], [...path, 'items']];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

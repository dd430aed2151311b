/**
 * `{ "$ref": "steps.analyze.score", "default": 0 }` in JSON: found, and replaced by the values they lead to.
 *
 * Invariants:
 * 1. Only own fields are read: a reference reaches nothing but the values it is given.
 * 2. An object with `$ref` is a reference, whatever else is in it; there is no way to escape one.
 */
export type DocumentPath = readonly (string | number)[];

export interface Reference {
  /** Where it stands in the document. */
  at: DocumentPath;
  /** `['steps', 'analyze', 'score']` */
  path: readonly string[];
  hasDefault: boolean;
}

/** A reference leads to nothing and has no default. */
export class MissingValue extends Error {
  constructor(
    readonly at: DocumentPath,
    readonly reference: string,
  ) {
    super(`{"$ref": "${reference}"} leads to nothing`);
  }
}

export function isReference(value: unknown): value is { $ref: unknown; default?: unknown } {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, '$ref');
}

/** What is wrong with a reference's own form. */
export function referenceFault(reference: { $ref: unknown }): string | undefined {
  const { $ref } = reference;
  if (typeof $ref !== 'string') return '$ref is no text such as "steps.analyze.score"';
  if ($ref.length > 500 || !/^[^.]+(\.[^.]+)*$/.test($ref))
    return '$ref is no path of names with dots such as "steps.analyze.score"';
  const others = Object.keys(reference).filter((key) => key !== '$ref' && key !== 'default');
  return others.length === 0 ? undefined : `beside $ref only default may stand, not ${others.slice(0, 5).join(', ')}`;
}

/** All well-formed references in a value; a default may hold none. */
export function referencesIn(value: unknown, at: DocumentPath = []): Reference[] {
  if (typeof value !== 'object' || value === null) return [];
  if (isReference(value)) {
    if (referenceFault(value) !== undefined) return [];
    return [{ at, path: String(value.$ref).split('.'), hasDefault: Object.hasOwn(value, 'default') }];
  }
  return Object.entries(value).flatMap(([key, part]) =>
    referencesIn(part, [...at, Array.isArray(value) ? Number(key) : key]),
  );
}

/**
 * A value with its references replaced.
 *
 * @throws MissingValue
 */
export function resolveReferences(
  value: unknown,
  variables: Readonly<Record<string, unknown>>,
  at: DocumentPath = [],
): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (isReference(value)) {
    const found = lookUp(variables, String(value.$ref).split('.'));
    if (found !== undefined) return found;
    if (Object.hasOwn(value, 'default')) return value.default;
    throw new MissingValue(at, String(value.$ref));
  }
  if (Array.isArray(value)) return value.map((part, index) => resolveReferences(part, variables, [...at, index]));
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => [key, resolveReferences(part, variables, [...at, key])]),
  );
}

/** undefined when there is no such value */
function lookUp(variables: Readonly<Record<string, unknown>>, path: readonly string[]): unknown {
  let value: unknown = variables;
  for (const name of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    // A list's own `length` is no element of it.
    if (Array.isArray(value) && !/^\d+$/.test(name)) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

/** `steps[3].input.text` */
export function formatPath(path: DocumentPath): string {
  const text = path
    .map((part) => {
      if (typeof part === 'number') return `[${part}]`;
      return /^[A-Za-z_$][\w$-]*$/.test(part) ? `.${part}` : `[${JSON.stringify(part.slice(0, 80))}]`;
    })
    .join('');
  return text.replace(/^\./, '') || '(root)';
}

import { planLimits } from './plan.js';
import { type DocumentPath, formatPath } from './references.js';

/**
 * What makes a document too big or too odd to be read as a plan at all. It ends at the first such place, so a hostile document
 * costs no more than the limits.
 *
 * @param visited told of each value that was looked at
 */
export function documentFault(document: unknown, visited: () => void = () => undefined): string | undefined {
  let values = 0;
  let characters = 0;
  const open: { value: unknown; at: Place | undefined }[] = [{ value: document, at: undefined }];
  for (let next = open.pop(); next; next = open.pop()) {
    const { value, at } = next;
    visited();
    values += 1;
    const where = (): string => formatPath(pathOf(at));
    if (values > planLimits.values) return `${where()}: the document has over ${planLimits.values} values`;
    if (typeof value === 'string') characters += value.length;
    if (characters > planLimits.characters)
      return `${where()}: the document has over ${planLimits.characters} characters`;
    if (typeof value === 'number' && !Number.isFinite(value)) return `${where()}: ${value} is no JSON`;
    if (['bigint', 'function', 'symbol', 'undefined'].includes(typeof value))
      return `${where()}: ${typeof value} is no JSON`;
    if (typeof value !== 'object' || value === null) continue;
    if ((at?.depth ?? 0) >= planLimits.depth) return `${where()}: objects and lists are over ${planLimits.depth} deep`;
    if (!Array.isArray(value) && !isPlain(value)) return `${where()}: it is no JSON object`;
    const keys = Object.keys(value);
    if (values + keys.length > planLimits.values)
      return `${where()}: the document has over ${planLimits.values} values`;
    for (const key of keys.reverse()) {
      characters += Array.isArray(value) ? 0 : key.length;
      const part = Array.isArray(value) ? Number(key) : key;
      const place = { part, before: at, depth: (at?.depth ?? 0) + 1 };
      if (key === '__proto__') return `${formatPath(pathOf(place))}: this name is reserved`;
      open.push({ value: (value as Record<string, unknown>)[key], at: place });
    }
  }
  return undefined;
}

/** A path that costs nothing until somebody wants to read it. */
interface Place {
  part: string | number;
  before: Place | undefined;
  depth: number;
}

function pathOf(place: Place | undefined): DocumentPath {
  const parts: (string | number)[] = [];
  for (let at = place; at; at = at.before) parts.unshift(at.part);
  return parts;
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

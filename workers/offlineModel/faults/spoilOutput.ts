import type { JsonSchema, ModelRequest } from '../types.js';
import type { Utterance } from '../wire/reply.js';

/** The same answer, as JSON that its schema does not allow; arguments of tool calls likewise. */
export function spoilOutput(utterance: Utterance, request: ModelRequest): Utterance {
  if (utterance.kind === 'refusal') return utterance;
  if (utterance.kind === 'toolCalls') {
    const schemas = new Map(request.tools.map((tool) => [tool.name, tool.parameters]));
    const calls = utterance.calls.map((call) => ({
      ...call,
      arguments: spoilValue(call.arguments, schemas.get(call.name) ?? true),
    }));
    return { ...utterance, calls };
  }
  return { ...utterance, text: JSON.stringify(spoilValue(parse(utterance.text), request.schema ?? true)) };
}

/** Gives the first property that is required a value of a type it may not have; a whole of the wrong type otherwise. */
export function spoilValue(value: unknown, schema: JsonSchema): unknown {
  if (typeof schema === 'boolean') return { invalid: true };
  const properties = schema['properties'];
  const required = Array.isArray(schema['required']) ? (schema['required'] as unknown[]) : [];
  const key = required.find((name): name is string => typeof name === 'string');
  if (key === undefined || !isRecord(value)) return schema['type'] === 'object' ? [] : { invalid: true };
  const wrong = wrongValue(isRecord(properties) ? properties[key] : undefined);
  if (wrong !== undefined) return { ...value, [key]: wrong };
  return Object.fromEntries(Object.entries(value).filter(([name]) => name !== key));
}

const samples = { object: { invalid: true }, number: -0.5, string: 'invalid', boolean: true } as const;

/** Undefined when the schema names no types, and so may allow everything. */
function wrongValue(schema: unknown): unknown {
  const types = typesOf(schema);
  if (types.size === 0) return undefined;
  const wrong = Object.entries(samples).find(
    ([type]) => !types.has(type) && !(type === 'number' && types.has('integer')),
  );
  return wrong?.[1];
}

function typesOf(schema: unknown): Set<unknown> {
  if (!isRecord(schema)) return new Set();
  if (schema['type'] !== undefined) return new Set([schema['type']].flat());
  const branches = schema['anyOf'] ?? schema['oneOf'];
  if (!Array.isArray(branches)) return new Set();
  const types = branches.map(typesOf);
  return types.some((branch) => branch.size === 0) ? new Set() : new Set(types.flatMap((branch) => [...branch]));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

import type { JsonSchema } from '../schema.js';
import type { PlanCatalogue, Signature } from './catalogue.js';
import { kindOf, type Plan, type PlanAction, type PlanMap, type PlanStep } from './plan.js';
import { formatPath, isReference, referenceFault, referencesIn } from './references.js';
import { fieldSchema } from './schemaFaults.js';

const boolean: JsonSchema = { type: 'boolean' };
const integer: JsonSchema = { type: 'integer' };
const string: JsonSchema = { type: 'string' };
const list: JsonSchema = { type: 'array' };
const closed = (properties: Record<string, JsonSchema>): JsonSchema => ({
  ...{ type: 'object', properties, additionalProperties: false },
});

/** What is known of the outputs of a plan's steps before it runs. */
export class OutputSchemas {
  private readonly steps: ReadonlyMap<string, PlanStep>;

  constructor(
    { steps }: Pick<Plan, 'steps'>,
    private readonly catalogue: PlanCatalogue,
  ) {
    this.steps = new Map(steps.map((step) => [step.id, step]));
  }

  /** The schema of what a reference leads to; `fault` when it surely leads to nothing. Only steps have schemas. */
  resolve([root, id, ...fields]: readonly string[]): JsonSchema | { fault: string } | undefined {
    const step = root === 'steps' && id !== undefined ? this.steps.get(id) : undefined;
    // A fallback gives something of its own.
    let schema = step && !step.fallback ? this.of(step) : undefined;
    const whole = schema;
    let path = `steps.${id}`;
    for (const field of fields) {
      if (!schema || !whole) return undefined;
      const found = fieldSchema(schema, field, whole);
      if (isFault(found)) return { fault: `${path} has no ${field}: ${found.fault}` };
      schema = found;
      path += `.${field}`;
    }
    return schema;
  }

  private of(action: PlanAction): JsonSchema | undefined {
    switch (kindOf(action)) {
      case 'agent':
        return this.signature('agents', action.agent)?.output;
      case 'tool':
        return this.signature('tools', action.tool)?.output;
      case 'sequence':
        return this.of(action.sequence!.at(-1)!);
      case 'map':
        return mapOutput(action.map!);
      case 'refine':
        return closed({ draft: {}, acceptable: boolean, rounds: integer, stopped: string });
      case 'supervise':
        return closed({ output: {}, by: string, reviewed: boolean, rounds: integer, reviews: list });
      case 'repeatUntil':
        return closed({ output: {}, met: boolean, rounds: integer, stopped: string });
      case 'route':
        return closed({ route: string, by: string, reason: string, confidence: { type: 'number' }, output: {} });
      case 'decide':
        return closed({ decision: {}, explanation: { type: 'object' } });
      case 'race':
        return closed({ winner: { type: Array.isArray(action.race) ? 'integer' : 'string' }, output: {} });
      case 'hedge':
        return closed({ output: {}, attempt: integer, started: integer });
      case 'withFallback':
        return closed({
          used: { type: Array.isArray(action.withFallback) ? 'integer' : 'string' },
          output: {},
          errors: list,
        });
      case 'withTimeout':
        return this.of(action.withTimeout!.do);
      case 'approval':
        return { type: 'object', properties: { approved: { type: 'boolean' }, by: { type: 'string' } } };
      case 'handoff':
        return closed({ stopped: string, by: string, answer: {}, said: list, error: {} });
      case 'mesh':
        return closed({
          ...{ stopped: string, rounds: integer, replies: { type: 'object' } },
          ...{ messages: list, waiting: list, failed: { type: 'object' } },
        });
      case 'debate':
        return closed({ verdict: {}, said: list, stopped: string, rounds: integer, conceded: list, missed: list });
      default:
        return undefined;
    }
  }

  signature(kind: keyof PlanCatalogue, name: string | undefined): Signature | undefined {
    const known = this.catalogue[kind];
    return name !== undefined && Object.hasOwn(known, name) ? known[name] : undefined;
  }
}

function mapOutput({ onFailure, gives }: PlanMap): JsonSchema {
  const outputs: JsonSchema = { type: gives === 'document' ? 'object' : 'array' };
  if (onFailure !== 'continue') return outputs;
  const count: JsonSchema = { type: 'integer' };
  return {
    type: 'object',
    properties: {
      ...{ outputs, total: count, completed: count, failed: count },
      ...{ failures: { type: 'array' }, failedItems: { type: 'object' } },
    },
    additionalProperties: false,
  };
}

export function isFault(found: JsonSchema | { fault: string } | undefined): found is { fault: string } {
  return typeof found?.['fault'] === 'string';
}

/** What is wrong with the references of a plan's `output`, which sees every step. */
export function outputFaults({ output, steps }: Plan, schemas: OutputSchemas): string[] {
  const ids = new Set(steps.map(({ id }) => id));
  return [
    ...malformed(output, ['output']),
    ...referencesIn(output, ['output']).flatMap(({ path, at }) => {
      const where = formatPath(at);
      const [root, id] = path;
      if (root === 'input') return [];
      if (root !== 'steps') return [`${where}: there is no ${root}; a reference begins with input or steps`];
      if (id === undefined) return [`${where}: steps must be followed by the id of a step: steps.ID`];
      if (!ids.has(id)) return [`${where}: there is no step ${id}`];
      const found = schemas.resolve(path);
      return isFault(found) ? [`${where}: ${found.fault}`] : [];
    }),
  ];
}

/** References whose own form is wrong. */
export function malformed(value: unknown, at: readonly (string | number)[]): string[] {
  if (typeof value !== 'object' || value === null) return [];
  if (isReference(value)) {
    const fault = referenceFault(value);
    return fault === undefined ? [] : [`${formatPath(at)}: ${fault}`];
  }
  return Object.entries(value).flatMap(([key, part]) =>
    malformed(part, [...at, Array.isArray(value) ? Number(key) : key]),
  );
}

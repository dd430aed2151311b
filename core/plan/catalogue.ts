import type { CatalogueNames } from '../contracts.js';
import type { AgentDefinition } from '../defineAgent.js';
import { type JsonSchema, toJsonSchema } from '../schema.js';
import type { ToolDefinition } from '../tool.js';

/** The JSON Schemas of what something takes and gives, where they are known. */
export interface Signature {
  input?: JsonSchema;
  output?: JsonSchema;
}

/** What a plan may name, by name. */
export interface PlanCatalogue {
  agents: Readonly<Record<string, Signature>>;
  tools: Readonly<Record<string, Signature>>;
  workflows: Readonly<Record<string, Signature>>;
}

/** The part of a catalogue that `names` allows. */
export function withinNames(catalogue: PlanCatalogue, names: CatalogueNames): PlanCatalogue {
  const part = (of: PlanCatalogue['agents'], allowed: readonly string[] | undefined): PlanCatalogue['agents'] =>
    allowed ? Object.fromEntries(Object.entries(of).filter(([name]) => allowed.includes(name))) : of;
  const { agents, tools, workflows } = catalogue;
  return {
    agents: part(agents, names.agents),
    tools: part(tools, names.tools),
    workflows: part(workflows, names.workflows),
  };
}

/** The catalogue of a project; of workflows only the names are known. */
export function planCatalogue(project: {
  agents: ReadonlyMap<string, AgentDefinition>;
  tools: ReadonlyMap<string, ToolDefinition>;
  workflows: readonly string[];
}): PlanCatalogue {
  return {
    agents: Object.fromEntries([...project.agents].map(([name, agent]) => [name, signatureOf(agent)])),
    tools: Object.fromEntries([...project.tools].map(([name, tool]) => [name, signatureOf(tool)])),
    workflows: Object.fromEntries(project.workflows.map((name) => [name, {}])),
  };
}

function signatureOf({ input, output }: AgentDefinition | ToolDefinition): Signature {
  return { ...known('input', () => toJsonSchema(input, 'input')), ...known('output', () => toJsonSchema(output)) };
}

/** What JSON Schema cannot say (a transform, a check of its own) is not known to a plan. */
function known(side: keyof Signature, schema: () => JsonSchema): Signature {
  try {
    return { [side]: schema() };
  } catch {
    return {};
  }
}

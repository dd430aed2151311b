import type { AgentDefinition } from '../../core/defineAgent.js';
import { toJsonSchema } from '../../core/schema.js';
import type { ToolDefinition } from '../../core/tool.js';
import { hashJson } from '../../ledger/index.js';
import { type AgentPrompt, createAgentPrompt } from './agentPrompt.js';
import type { CallableModel } from './modelClients.js';

/** What follows from an agent's definition and a model alone. */
export interface PreparedAgent {
  prompt: AgentPrompt;
  /** Changes with everything that shapes an answer: instructions, schemas, tools, model, settings. */
  definitionHash: string;
}

/** The agents of one worker, each prepared once a model. */
export class AgentDefinitions {
  private readonly prepared = new Map<string, PreparedAgent>();

  constructor(private readonly tools: ReadonlyMap<string, ToolDefinition>) {}

  prepare(name: string, agent: AgentDefinition, model: CallableModel): PreparedAgent {
    const key = `${name}/${model.alias}`;
    const known = this.prepared.get(key);
    if (known) return known;
    const prompt = createAgentPrompt(name, agent, this.tools);
    const made = { prompt, definitionHash: hashJson(definitionOf(agent, prompt, model)) };
    this.prepared.set(key, made);
    return made;
  }
}

function definitionOf(agent: AgentDefinition, prompt: AgentPrompt, { provider, config }: CallableModel): object {
  const { instructions, deps, maxTurns, maxRepairs, maxOutputTokens, temperature } = agent;
  return {
    instructions: String(instructions),
    input: toJsonSchema(agent.input, 'input'),
    output: toJsonSchema(agent.output),
    deps: deps ? toJsonSchema(deps, 'input') : null,
    tools: prompt.tools,
    model: { provider, model: config.model },
    settings: { maxTurns, maxRepairs, maxOutputTokens, temperature },
  };
}

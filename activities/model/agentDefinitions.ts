import type { ResolvedConfig } from '../../core/config.js';
import type { AgentDefinition } from '../../core/defineAgent.js';
import { toJsonSchema } from '../../core/schema.js';
import { hashJson } from '../../ledger/index.js';
import { type Guard, guardOfAgent } from '../guardrails/guards.js';
import { type AgentPrompt, createAgentPrompt } from './agentPrompt.js';
import type { CallableModel } from './modelClients.js';

/** What follows from an agent's definition and a model alone. */
export interface PreparedAgent {
  prompt: AgentPrompt;
  /** Changes with everything that shapes an answer: instructions, schemas, tools, model, settings, guardrails. */
  definitionHash: string;
}

/** The agents of one worker, each prepared once a model. */
export class AgentDefinitions {
  private readonly prepared = new Map<string, PreparedAgent>();

  constructor(private readonly config: Pick<ResolvedConfig, 'tools' | 'guardrails'>) {}

  prepare(name: string, agent: AgentDefinition, model: CallableModel): PreparedAgent {
    const key = `${name}/${model.alias}`;
    const known = this.prepared.get(key);
    if (known) return known;
    const prompt = createAgentPrompt(name, agent, this.config.tools);
    const made = {
      prompt,
      definitionHash: hashJson(definitionOf(agent, prompt, model, guardOfAgent(this.config, agent))),
    };
    this.prepared.set(key, made);
    return made;
  }
}

function definitionOf(
  agent: AgentDefinition,
  prompt: AgentPrompt,
  { provider, config }: CallableModel,
  { rules }: Guard,
): object {
  const { instructions, inputIsData, deps, maxTurns, maxRepairs, maxOutputTokens, temperature } = agent;
  return {
    instructions: String(instructions),
    input: toJsonSchema(agent.input, 'input'),
    output: toJsonSchema(agent.output),
    deps: deps ? toJsonSchema(deps, 'input') : null,
    tools: prompt.tools,
    model: { provider, model: config.model },
    ...(rules.input.length + rules.output.length > 0 && { guardrails: rules }),
    settings: { maxTurns, maxRepairs, maxOutputTokens, temperature, inputIsData },
  };
}

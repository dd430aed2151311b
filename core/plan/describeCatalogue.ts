import type { ResolvedConfig } from '../config.js';
import type { CatalogueNames } from '../contracts.js';
import { SegnoError } from '../errors.js';
import type { PlanCatalogue, Signature } from './catalogue.js';

/** A planner reads it in every draft, and it stands in history. */
const longestCatalogue = 100_000;
const longestPurpose = 600;

/**
 * Agents and tools with what they are for, take and give, as text for a planner.
 *
 * @throws SegnoError `Agent.Unknown`, `Tool.Unknown` for a name that is none; `Pattern.InvalidSteps` when the text would be too long
 */
export function describeCatalogue(
  { agents, tools }: Pick<ResolvedConfig, 'agents' | 'tools'>,
  { agents: agentSignatures, tools: toolSignatures }: PlanCatalogue,
  names: CatalogueNames,
): string {
  const entries = [
    ...(names.agents ?? [...agents.keys()]).map((name) => {
      const agent = agents.get(name);
      if (!agent) throw new SegnoError('Agent.Unknown', `no agent is named ${name}; there are: ${list(agents.keys())}`);
      const purpose = typeof agent.instructions === 'string' ? agent.instructions : '';
      return entry(`agent ${name}`, purpose, agentSignatures[name]);
    }),
    ...(names.tools ?? [...tools.keys()]).map((name) => {
      const tool = tools.get(name);
      if (!tool) throw new SegnoError('Tool.Unknown', `no tool is named ${name}; there are: ${list(tools.keys())}`);
      return entry(`tool ${name}`, tool.description, toolSignatures[name]);
    }),
  ];
  const text = entries.join('\n\n');
  if (text.length <= longestCatalogue) return text;
  throw new SegnoError(
    'Pattern.InvalidSteps',
    `planAndRun: the catalogue has ${text.length} characters; name the agents and tools this goal needs`,
  );
}

function entry(title: string, purpose: string, { input, output }: Signature = {}): string {
  const told = purpose.length > longestPurpose ? `${purpose.slice(0, longestPurpose)}…` : purpose;
  return [
    title,
    ...(told === '' ? [] : [told]),
    `input: ${JSON.stringify(input ?? {})}`,
    `output: ${JSON.stringify(output ?? {})}`,
  ].join('\n');
}

function list(names: Iterable<string>): string {
  return [...names].sort().join(', ') || 'none';
}

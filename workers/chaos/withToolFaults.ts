import type { Chaos } from '../../core/chaos/chaos.js';
import type { ResolvedConfig } from '../../core/config.js';
import type { ToolDefinition } from '../../core/tool.js';

/** The same project, its tools failing where a rule strikes: as if their own code had thrown. */
export function withToolFaults(config: ResolvedConfig, chaos: Chaos): ResolvedConfig {
  const tools = [...config.tools].map(([name, tool]): [string, ToolDefinition] => [name, faulty(name, tool, chaos)]);
  return { ...config, tools: new Map(tools) };
}

function faulty(name: string, tool: ToolDefinition, chaos: Chaos): ToolDefinition {
  return {
    ...tool,
    async execute(input, context) {
      const fault = chaos.atTool(name, Date.now());
      if (fault === 'before') throw new Error('failure injection: thrown before the effect');
      const output = await tool.execute(input, context);
      if (fault === 'after') throw new Error('failure injection: thrown after the effect');
      return output;
    },
  };
}

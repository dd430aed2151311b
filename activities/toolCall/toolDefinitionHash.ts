import { toJsonSchema } from '../../core/schema.js';
import type { ToolDefinition } from '../../core/tool.js';
import type { Guard } from '../guardrails/guards.js';
import { hashJson } from '../../ledger/index.js';

/** By the tool’s guard: one for each tool and config. */
const known = new WeakMap<Guard, string>();

/** Changes with everything about a tool that shapes its results, as far as its definition shows it. */
export function toolDefinitionHash(name: string, tool: ToolDefinition, guard: Guard): string {
  const { rules } = guard;
  const found = known.get(guard);
  if (found !== undefined) return found;
  const { description, duration = 'long', readOnly = false, idempotent = readOnly } = tool;
  const schemas = { input: toJsonSchema(tool.input, 'input'), output: toJsonSchema(tool.output) };
  const guardrails = rules.input.length + rules.output.length > 0 && { guardrails: rules };
  const hash = hashJson({ name, description, duration, readOnly, idempotent, ...schemas, ...guardrails });
  known.set(guard, hash);
  return hash;
}

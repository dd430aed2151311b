import { toJsonSchema } from '../../core/schema.js';
import type { ToolDefinition } from '../../core/tool.js';
import { hashJson } from '../../ledger/index.js';

const known = new WeakMap<ToolDefinition, string>();

/** Changes with everything about a tool that shapes its results, as far as its definition shows it. */
export function toolDefinitionHash(name: string, tool: ToolDefinition): string {
  const found = known.get(tool);
  if (found !== undefined) return found;
  const { description, duration = 'long', readOnly = false, idempotent = readOnly } = tool;
  const schemas = { input: toJsonSchema(tool.input, 'input'), output: toJsonSchema(tool.output) };
  const hash = hashJson({ name, description, duration, readOnly, idempotent, ...schemas });
  known.set(tool, hash);
  return hash;
}

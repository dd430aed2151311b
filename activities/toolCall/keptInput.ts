import { redact } from '../../core/redact.js';
import { type JsonSchema, toJsonSchema } from '../../core/schema.js';
import type { ToolDefinition } from '../../core/tool.js';
import { type EffectInput, keepInput, type Ledger } from '../../ledger/index.js';
import { safetyOf } from './toolPolicy.js';

const schemas = new WeakMap<ToolDefinition, JsonSchema>();

/** What a tool with effects is called with, for the ledger: without its secrets. Other tools' inputs are not kept. */
export async function keptInput(
  ledger: Ledger,
  home: { readonly tenant: string; readonly scope: string },
  tool: ToolDefinition | undefined,
  input: unknown,
): Promise<EffectInput | undefined> {
  if (!tool || safetyOf(tool) === 'pure') return undefined;
  const schema = schemas.get(tool) ?? toJsonSchema(tool.input, 'input');
  schemas.set(tool, schema);
  return keepInput(ledger, home, redact(input ?? null, schema));
}

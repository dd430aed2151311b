import type { ResolvedConfig } from '../../core/config.js';
import type { AgentDefinition } from '../../core/defineAgent.js';
import type { Guardrail, GuardrailFinding } from '../../core/guardrails.js';
import { toJsonSchema } from '../../core/schema.js';
import { SegnoError } from '../../core/errors.js';
import type { ToolDefinition } from '../../core/tool.js';
import { applyGuardrails, type Checked, redactText } from './applyGuardrails.js';

/** The rules of an agent or a tool: the project's first, then its own. */
export interface Guard {
  /** Of both sides; empty when there are none. */
  readonly rules: Readonly<Record<'input' | 'output', readonly Guardrail[]>>;
  input(value: unknown): Promise<Checked>;
  output(value: unknown, input: unknown): Promise<Checked>;
  /** A text that is on its way out beside the output, or instead of it: a failure's message, an answer that is no answer. */
  outputText(text: string): Promise<string>;
  inputText(text: string): Promise<string>;
}

type Defaults = Pick<ResolvedConfig, 'guardrails'>;

export function guardOfAgent({ guardrails }: Defaults, agent: AgentDefinition): Guard {
  return guardOf(guardrails.agents, agent);
}

/** @param tool undefined for a name no tool has: what such a call says goes into the transcript all the same */
export function guardOfTool({ guardrails }: Defaults, tool: ToolDefinition | undefined): Guard {
  return guardOf(guardrails.tools, tool ?? nothing);
}

type Guarded = Pick<AgentDefinition | ToolDefinition, 'input' | 'output' | 'guardrails'>;
const nothing: Partial<Guarded> = {};
const made = new WeakMap<object, WeakMap<object, Guard>>();

function guardOf(defaults: ResolvedConfig['guardrails']['agents'], definition: Partial<Guarded>): Guard {
  const known = made.get(defaults)?.get(definition);
  if (known) return known;
  const { guardrails = {}, input: inputSchema, output: outputSchema } = definition;
  const rules = {
    input: [...(defaults.input ?? []), ...(guardrails.input ?? [])],
    output: [...(defaults.output ?? []), ...(guardrails.output ?? [])],
  };
  const inputNames = namesIn(inputSchema && toJsonSchema(inputSchema, 'input'));
  const outputNames = namesIn(outputSchema && toJsonSchema(outputSchema));
  const guard: Guard = {
    rules,
    input: (value) => applyGuardrails(rules.input, { value, at: 'input', names: inputNames }),
    output: (value, input) => applyGuardrails(rules.output, { value, input, at: 'output', names: outputNames }),
    outputText: (text) => redactText(rules.output, text),
    inputText: (text) => redactText(rules.input, text),
  };
  made.set(defaults, (made.get(defaults) ?? new WeakMap<object, Guard>()).set(definition, guard));
  return guard;
}

/** Every field a JSON schema names, at any depth. */
function namesIn(schema: unknown, names = new Set<string>()): Set<string> {
  if (typeof schema !== 'object' || schema === null) return names;
  const { properties } = schema as { properties?: unknown };
  if (typeof properties === 'object' && properties !== null)
    for (const name of Object.keys(properties)) names.add(name);
  for (const part of Object.values(schema)) namesIn(part, names);
  return names;
}

/** @param whose `agent writer`, `tool sendMail` */
export function blockedError(whose: string, at: GuardrailFinding['at'], { blocked, findings }: Checked): SegnoError {
  return new SegnoError('Guardrail.Blocked', `${whose}: its ${at} was blocked by ${blocked}`, {
    details: { guardrails: findings },
  });
}

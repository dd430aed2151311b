/**
 * What a model has answered, before anybody else sees it.
 *
 * Invariants:
 * 1. What a guardrail blocks or redacts stands neither in the transcript nor in the result, nor in why an answer is refused.
 * 2. The arguments of a tool call are held against the rules of that tool here, as they are a part of the transcript.
 */
import type { AgentDefinition } from '../../core/defineAgent.js';
import type { GuardrailFinding } from '../../core/guardrails.js';
import type { ToolDefinition } from '../../core/tool.js';
import { type OutputForm, readOutput, wireTextOf } from '../model/agentPrompt.js';
import type { RequestedCall } from '../model/messages.js';
import { parseModelJson } from '../model/parseModelJson.js';
import { parseToolInput } from '../toolCall/parseToolInput.js';
import type { Guard } from './guards.js';

export type Decision = { output: unknown } | { invalid: string; blocked?: true };

export interface GuardedAnswer {
  /** As it goes into the transcript. */
  text: string;
  decision: Decision;
  findings: GuardrailFinding[];
}

/** @param input what the agent was asked, for rules that compare */
export async function guardAnswer(
  guard: Guard,
  agent: AgentDefinition,
  form: OutputForm,
  text: string,
  input: () => unknown,
): Promise<GuardedAnswer> {
  const read = readOutput(agent, form, text);
  if (guard.rules.output.length === 0) return { text, decision: read, findings: [] };
  const told = await guard.outputText(text);
  if ('invalid' in read) {
    const invalid = told === text ? read.invalid : await guard.outputText(invalidOf(agent, form, told, read.invalid));
    return { text: told, decision: { invalid }, findings: [] };
  }
  const { value, blocked, findings } = await guard.output(read.output, input());
  if (blocked !== undefined) return { text: withheld, decision: { invalid: blocked, blocked: true }, findings };
  const redacted = findings.length > 0;
  const checked = redacted ? agent.output.safeParse(value) : { success: true as const, data: value };
  if (!checked.success) {
    const invalid = 'a guardrail: what it leaves of the answer does not match the output schema';
    return { text: withheld, decision: { invalid, blocked: true }, findings };
  }
  // Text beside the output, such as fields the schema does not name, is not to stand in the transcript either.
  const wire = redacted || told !== text ? wireTextOf(form, checked.data) : text;
  return { text: wire, decision: { output: checked.data }, findings };
}

const withheld = '[withheld by a guardrail]';

/** Why the answer is none, said of what is left of it: a parser’s message quotes what it read. */
function invalidOf(agent: AgentDefinition, form: OutputForm, told: string, before: string): string {
  const again = readOutput(agent, form, told);
  return 'invalid' in again ? again.invalid : before;
}

/** The call as the transcript has it: with arguments redacted, or with a note in their place when they are blocked. */
export async function guardCall(
  guard: Guard,
  tool: ToolDefinition | undefined,
  call: RequestedCall,
): Promise<{ call: RequestedCall; findings: GuardrailFinding[] }> {
  if (guard.rules.input.length === 0) return { call, findings: [] };
  const json = parsed(call.arguments);
  if (json === undefined) return { call: { ...call, arguments: await guard.inputText(call.arguments) }, findings: [] };
  const { value, blocked, findings } = await guard.input(json);
  if (blocked !== undefined) return { call: { ...call, arguments: blockedArguments(blocked, findings) }, findings };
  if (findings.length === 0) return { call, findings };
  const left = tool ? parseToolInput(tool, value) : { data: value };
  if ('invalid' in left && tool && !('invalid' in parseToolInput(tool, json))) {
    const why = 'a guardrail: what it leaves of the arguments does not match their schema';
    return { call: { ...call, arguments: blockedArguments(why, findings) }, findings };
  }
  return { call: { ...call, arguments: JSON.stringify(value) }, findings };
}

const blockedKey = '$blocked';

function blockedArguments(why: string, findings: readonly GuardrailFinding[]): string {
  return JSON.stringify({ [blockedKey]: why, findings });
}

/** Why the arguments of a call were withheld; a model that writes such a note itself only keeps its own call from running. */
export function blockedIn(json: unknown): { why: string; findings: GuardrailFinding[] } | undefined {
  if (typeof json !== 'object' || json === null || !Object.hasOwn(json, blockedKey)) return undefined;
  const { [blockedKey]: why, findings } = json as Record<string, unknown>;
  if (typeof why !== 'string') return undefined;
  return { why, findings: Array.isArray(findings) ? (findings as GuardrailFinding[]) : [] };
}

function parsed(text: string): unknown {
  try {
    return parseModelJson(text.trim() === '' ? '{}' : text);
  } catch {
    return undefined;
  }
}

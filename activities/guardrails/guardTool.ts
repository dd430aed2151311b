import { SegnoError } from '../../core/errors.js';
import type { GuardrailFinding } from '../../core/guardrails.js';
import type { ToolDefinition } from '../../core/tool.js';
import type { Conclude } from '../toolCall/outcome.js';
import { parseToolInput } from '../toolCall/parseToolInput.js';
import { blockedError, type Guard } from './guards.js';

/** Arguments, held against the rules of their tool. */
export interface GuardedInput {
  /** As the tool gets them. */
  input: unknown;
  /** As the ledger may keep them. */
  kept: unknown;
  findings: GuardrailFinding[];
  /** Why the tool is not to run: `Guardrail.Blocked`, also when what a redaction leaves no longer fits it. */
  blocked?: SegnoError;
}

/** @param input parsed; `given`: as it came */
export async function guardToolInput(
  guard: Guard,
  name: string,
  tool: ToolDefinition,
  { input, given }: { input: unknown; given: unknown },
): Promise<GuardedInput> {
  const checked = await guard.input(input);
  const { value, findings } = checked;
  if (checked.blocked !== undefined) return { ...withheld, findings, blocked: blockedError(name, 'input', checked) };
  if (findings.length === 0) return { input, kept: given, findings };
  const parsed = parseToolInput(tool, value);
  if ('data' in parsed) return { input: parsed.data, kept: value, findings };
  const why = 'a guardrail: what it leaves does not match the input schema';
  return { ...withheld, findings, blocked: blockedError(name, 'input', { ...checked, blocked: why }) };
}

const withheld = { input: undefined, kept: '[withheld by a guardrail]' };

/** Arguments that do not match their schema, as the ledger may keep them. */
export async function keptOf(guard: Guard, given: unknown): Promise<unknown> {
  const { value, blocked } = await guard.input(given);
  return blocked === undefined ? value : withheld.kept;
}

export type GuardedOutput = { findings: GuardrailFinding[] } & ({ value: unknown } | { blocked: string });

/** What the tool has returned, as everybody else gets it. Its effect has taken place: blocking takes nothing back. */
export async function guardToolOutput(
  guard: Guard,
  name: string,
  tool: ToolDefinition,
  output: unknown,
  input: unknown,
): Promise<GuardedOutput> {
  const checked = await guard.output(output, input);
  const { value, findings } = checked;
  if (checked.blocked !== undefined) return { findings, blocked: blockedError(name, 'output', checked).message };
  if (findings.length === 0) return { value: output, findings };
  const parsed = tool.output.safeParse(value);
  if (parsed.success) return { value: parsed.data, findings };
  const blocked = 'a guardrail: what it leaves does not match the output schema';
  return { findings, blocked: blockedError(name, 'output', { ...checked, blocked }).message };
}

/** What a call of a workflow comes to. */
export function concludeForWorkflow(guard: Guard, name: string, tool: ToolDefinition, guarded: GuardedInput): Conclude {
  return async (end) => {
    const { findings, ...result } = await guardToolOutput(guard, name, tool, await end(), guarded.input);
    return { result, blobs: [], findings: [...guarded.findings, ...findings] };
  };
}

/** What a tool threw, without what its output may not hold. */
export async function guardToolError(guard: Guard, error: SegnoError): Promise<SegnoError> {
  const message = await guard.outputText(error.message);
  if (message === error.message) return error;
  const { type, retryable, retryAfterMs, details } = error;
  return new SegnoError(type, message, {
    retryable,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(details && { details }),
  });
}

/** What the call fails with may quote what the tool has said elsewhere, as in `reconcile`. */
export async function withoutFindings<T>(guard: Guard, recorded: Promise<T>): Promise<T> {
  try {
    return await recorded;
  } catch (error) {
    throw error instanceof SegnoError ? await guardToolError(guard, error) : error;
  }
}

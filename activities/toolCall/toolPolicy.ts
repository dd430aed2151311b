import type { ToolPolicy } from '../../core/contracts.js';
import { quickToolLimitMs } from '../../core/limits.js';
import type { StepSafety } from '../../core/steps.js';
import type { ToolDefinition } from '../../core/tool.js';

const defaultTimeoutMs = 60_000;

/** How the workflow is to run a tool; a name no tool has is answered at once, so quick. */
export function toolPolicy(tool: ToolDefinition | undefined): ToolPolicy {
  if (!tool || tool.duration === 'quick') return { quick: true, timeoutMs: tool?.timeoutMs ?? quickToolLimitMs };
  return { timeoutMs: tool.timeoutMs ?? defaultTimeoutMs };
}

/** Without a tool the answer is made by the worker itself, and so is pure. */
export function safetyOf(tool: ToolDefinition | undefined): StepSafety {
  if (!tool || tool.readOnly) return 'pure';
  return tool.idempotent ? 'idempotent' : 'once';
}

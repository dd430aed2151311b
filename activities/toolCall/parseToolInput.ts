import { describeIssues } from '../../core/schema.js';
import type { ToolDefinition } from '../../core/tool.js';

/** A refinement may throw, and would throw again at the next attempt. */
export function parseToolInput(tool: ToolDefinition, input: unknown): { data: unknown } | { invalid: string } {
  try {
    const parsed = tool.input.safeParse(input);
    return parsed.success ? { data: parsed.data } : { invalid: describeIssues(parsed.error) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { invalid: `a refinement of the input schema threw: ${reason}` };
  }
}

import type { z } from 'zod';
import { parseGuardrails } from './guardrails.js';
import { quickToolLimitMs } from './limits.js';
import { hasSecrets } from './redact.js';
import { assertSurvivesJson, toJsonSchema } from './schema.js';
import type { ToolDefinition, ToolOptions } from './tool.js';

/**
 * Define a tool. Its name is the name it is exported under.
 *
 * @throws Error when a schema would not survive JSON, `timeoutMs` is out of range, or a guardrail is no rule
 */
export function defineTool<
  Input extends z.ZodType,
  Output extends z.ZodType,
  Deps extends z.ZodType = z.ZodType<undefined>,
>(options: ToolOptions<Input, Output, Deps>): ToolDefinition<Input, Output, Deps> {
  assertSurvivesJson(options.input, 'The tool’s input schema');
  assertSurvivesJson(options.output, 'The tool’s output schema');
  if (options.deps) assertSurvivesJson(options.deps, 'The tool’s deps schema');
  const { timeoutMs } = options;
  if (timeoutMs !== undefined && !(timeoutMs > 0 && Number.isFinite(timeoutMs))) {
    throw new Error(`timeoutMs must be a positive number of milliseconds, not ${timeoutMs}.`);
  }
  if (options.duration === 'quick' && timeoutMs !== undefined && timeoutMs > quickToolLimitMs) {
    throw new Error(
      `A quick tool takes at most ${quickToolLimitMs} ms, not ${timeoutMs}: define it with duration 'long'.`,
    );
  }
  if (options.readOnly && options.idempotent === false) {
    throw new Error('A readOnly tool changes nothing and so is idempotent: leave idempotent out.');
  }
  const repeatable = options.readOnly || options.idempotent;
  if (repeatable && (options.reconcile || options.onUnknown !== undefined)) {
    throw new Error('A readOnly or idempotent tool is simply called again: leave reconcile and onUnknown out.');
  }
  if (options.compensate && options.readOnly) {
    throw new Error('A readOnly tool changes nothing that could be undone: leave compensate out.');
  }
  if (options.compensate && hasSecrets(toJsonSchema(options.input, 'input'))) {
    throw new Error(
      'A tool with secret fields has no compensate: what it was called with is not kept. Take secrets from deps.',
    );
  }
  const { guardrails, ...rest } = options;
  return {
    ...rest,
    kind: 'tool',
    ...(guardrails && { guardrails: parseGuardrails(guardrails, 'The tool’s guardrails') }),
  };
}

export function isTool(value: unknown): value is ToolDefinition {
  return typeof value === 'object' && value !== null && (value as { kind?: unknown }).kind === 'tool';
}

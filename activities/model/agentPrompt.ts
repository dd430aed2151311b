import type { ChatCompletionTool, ResponseFormatJSONSchema } from 'openai/resources';
import { z } from 'zod';
import type { AgentDefinition } from '../../core/defineAgent.js';
import { SegnoError } from '../../core/errors.js';
import { describeIssues, type JsonSchema, toJsonSchema } from '../../core/schema.js';
import type { ToolDefinition } from '../../core/tool.js';
import type { Message } from './messages.js';
import { parseModelJson } from './parseModelJson.js';

/** How an agent's output travels: as plain text, as the JSON object itself, or as an object around another value. */
export type OutputForm = 'text' | 'object' | 'wrapped';

/** What of a request follows from the definition alone; made once a worker. */
export interface AgentPrompt {
  form: OutputForm;
  responseFormat: ResponseFormatJSONSchema | undefined;
  tools: ChatCompletionTool[];
  /** The input is marked as such. */
  inputIsData: boolean;
}

/** @param name the agent's; providers want `[A-Za-z0-9_-]{1,64}` */
export function createAgentPrompt(
  name: string,
  agent: AgentDefinition,
  tools: ReadonlyMap<string, ToolDefinition>,
): AgentPrompt {
  const schema = toJsonSchema(agent.output);
  const form: OutputForm =
    schema['type'] === 'string' && !schema['enum'] ? 'text' : schema['type'] === 'object' ? 'object' : 'wrapped';
  const wire = form === 'wrapped' ? wrap(schema) : schema;
  return {
    form,
    inputIsData: agent.inputIsData ?? toJsonSchema(agent.input, 'input')['type'] !== 'string',
    responseFormat:
      form === 'text'
        ? undefined
        : {
            type: 'json_schema',
            json_schema: { name: name.replace(/[^\w-]/g, '_').slice(0, 64), schema: wire, strict: holdsStrict(wire) },
          },
    tools: (agent.tools ?? []).flatMap((tool) => {
      const definition = tools.get(tool);
      if (!definition) return [];
      const { description, input } = definition;
      return [
        { type: 'function' as const, function: { name: tool, description, parameters: toJsonSchema(input, 'input') } },
      ];
    }),
  };
}

function wrap({ $defs, ...schema }: JsonSchema): JsonSchema {
  return {
    type: 'object',
    properties: { value: schema },
    required: ['value'],
    additionalProperties: false,
    ...($defs !== undefined && { $defs }),
  };
}

/** OpenAI's strict mode takes only objects that are closed and whose every property is required. */
function holdsStrict(schema: unknown): boolean {
  if (Array.isArray(schema)) return schema.every(holdsStrict);
  if (typeof schema !== 'object' || schema === null) return true;
  const { type, properties, required, additionalProperties } = schema as JsonSchema;
  if (type === 'object') {
    const names = Object.keys((properties as object | undefined) ?? {});
    const listed = new Set((required as string[] | undefined) ?? []);
    if (additionalProperties !== false || !names.every((name) => listed.has(name))) return false;
  }
  return Object.values(schema).every(holdsStrict);
}

/** @throws SegnoError `Agent.InvalidInput` */
export function parseInput(name: string, agent: AgentDefinition, input: unknown): unknown {
  const parsed = agent.input.safeParse(input);
  if (parsed.success) return parsed.data;
  throw new SegnoError(
    'Agent.InvalidInput',
    `${name}: the input does not match its schema:\n${describeIssues(parsed.error)}`,
  );
}

/** The first messages of an agent call. @param input parsed, and held against guardrails */
export function firstMessages({ instructions }: AgentDefinition, input: unknown, deps: unknown): Message[] {
  const system = typeof instructions === 'string' ? instructions : instructions({ input, deps });
  const user = typeof input === 'string' ? input : JSON.stringify(input);
  return [
    { role: 'system', content: system },
    { role: 'user', content: user },
  ];
}

/** What the agent was asked, as its first messages say it. */
export function inputIn([, question]: readonly Message[], { input }: AgentDefinition): unknown {
  const text = typeof question?.content === 'string' ? question.content : '';
  if (toJsonSchema(input, 'input')['type'] === 'string') return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** An output as a model would have written it. */
export function wireTextOf(form: OutputForm, output: unknown): string {
  return form === 'text' ? String(output) : JSON.stringify(form === 'wrapped' ? { value: output } : output);
}

/** The output in an answer's text, or why it is none; the reason is written for the model to read. */
export function readOutput(
  agent: AgentDefinition,
  form: OutputForm,
  text: string,
): { output: unknown } | { invalid: string } {
  if (form === 'text') return check(agent.output, text);
  let json: unknown;
  try {
    json = parseModelJson(withoutFence(text));
  } catch (error) {
    return { invalid: `the answer is not JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
  if (form === 'object') return check(agent.output, json);
  const wrapped = z.object({ value: z.unknown() }).safeParse(json);
  return wrapped.success
    ? check(agent.output, wrapped.data.value)
    : { invalid: 'the answer is not an object with the property value' };
}

/** @throws SegnoError `Model.InvalidOutput` when the schema's own code throws: to ask again would only cost again */
function check(schema: z.ZodType, value: unknown): { output: unknown } | { invalid: string } {
  let parsed;
  try {
    parsed = schema.safeParse(value);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SegnoError('Model.InvalidOutput', `a refinement of the output schema threw: ${reason}`, { cause: error });
  }
  return parsed.success ? { output: parsed.data } : { invalid: describeIssues(parsed.error) };
}

/** Some models put JSON into a Markdown code fence even when asked not to. */
function withoutFence(text: string): string {
  return /^\s*```(?:json)?\s*([\s\S]*?)\s*```\s*$/.exec(text)?.[1] ?? text;
}

/** @param blocked the answer was withheld by a guardrail: the model does not see it again */
export function repairMessage(invalid: string, blocked = false): Message {
  if (blocked) {
    const content = `Your answer was blocked by ${invalid}\nAnswer again without that: the whole answer and nothing else.`;
    return { role: 'user', content };
  }
  return {
    role: 'user',
    content: `Your answer does not match the required schema:\n${invalid}\nAnswer again with the whole corrected answer and nothing else.`,
  };
}

/**
 * From the text of a request to what a model is asked, or to the 400 that says what is wrong and where.
 *
 * Invariant: what passes satisfies the invariants of {@link ModelRequest}.
 */
import { withoutMarks } from '../../../core/promptMarks.js';
import type { ChatMessage, ModelRequest, OfferedTool, ToolChoice } from '../types.js';
import { chatRequestSchema } from './chatRequestSchema.js';
import type { ChatRequestBody, WireMessage } from './chatRequestSchema.js';
import { findConversationProblem } from './conversation.js';
import { describeZodError } from './describeZodError.js';
import { findStrictProblem } from './strictSchema.js';
import { wireError } from './wireError.js';
import type { WireError } from './wireError.js';

export interface ChatRequest {
  readonly model: string;
  readonly request: ModelRequest;
  readonly stream: boolean;
  readonly includeUsage: boolean;
  readonly maxTokens: number | undefined;
  readonly stop: readonly string[];
  readonly parallelToolCalls: boolean;
  /** The body as it came, for whoever records requests. */
  readonly body: unknown;
}

export function readChatRequest(text: string): ChatRequest | WireError {
  const json = parseJson(text);
  if (json === undefined) {
    return wireError(400, 'We could not parse the JSON body of your request: the body has to be a valid JSON object.');
  }
  const parsed = chatRequestSchema.safeParse(json);
  if (!parsed.success) return describeZodError(parsed.error);
  return findProblem(parsed.data) ?? toChatRequest(parsed.data, json);
}

function findProblem(body: ChatRequestBody): WireError | undefined {
  const bad = (message: string, param: string, code?: string) =>
    wireError(400, message, { param, ...(code === undefined ? {} : { code }) });

  const conversation = findConversationProblem(body.messages);
  if (conversation) return bad(conversation.message, conversation.param);
  if (body.max_tokens != null && body.max_completion_tokens != null) {
    return bad("Set 'max_tokens' or 'max_completion_tokens', not both.", 'max_tokens', 'invalid_parameter_combination');
  }
  if (body.stream_options != null && body.stream !== true) {
    return bad("'stream_options' is only allowed when 'stream' is true.", 'stream_options');
  }
  const tools = body.tools ?? [];
  const names = new Set(tools.map((tool) => tool.function.name));
  if (names.size < tools.length) return bad('Two tools have the same name.', 'tools');
  if (body.tool_choice != null && body.tool_choice !== 'none' && tools.length === 0) {
    return bad("'tool_choice' is only allowed when 'tools' are given.", 'tool_choice');
  }
  const unknown = chosenNames(body).find((name) => !names.has(name));
  if (unknown !== undefined) return bad(`Tool choice '${unknown}' is not in 'tools'.`, 'tool_choice');
  return findSchemaProblem(body);
}

function findSchemaProblem(body: ChatRequestBody): WireError | undefined {
  const invalid = (message: string, param: string) => wireError(400, message, { param, code: 'invalid_schema' });
  if (body.response_format?.type === 'json_schema') {
    const { name, schema, strict } = body.response_format.json_schema;
    const problem = strict === true ? findStrictProblem(schema ?? {}) : undefined;
    if (problem) return invalid(`Invalid schema for response_format '${name}': ${problem}`, 'response_format');
  }
  for (const [index, tool] of (body.tools ?? []).entries()) {
    const { name, parameters, strict } = tool.function;
    const problem = strict === true ? findStrictProblem(parameters ?? {}) : undefined;
    if (problem) {
      return invalid(`Invalid schema for function '${name}': ${problem}`, `tools[${index}].function.parameters`);
    }
  }
  return undefined;
}

function toChatRequest(body: ChatRequestBody, json: unknown): ChatRequest {
  const schema = body.response_format?.type === 'json_schema' ? body.response_format.json_schema.schema : undefined;
  const tools = offeredTools(body);
  const request: ModelRequest = {
    messages: withoutMarks(body.messages.map(toChatMessage)),
    tools,
    toolChoice: tools.length === 0 ? 'none' : toToolChoice(body),
    ...(schema === undefined ? {} : { schema }),
    ...(body.response_format?.type === 'json_object' ? { jsonObject: true } : {}),
    ...(body.seed == null ? {} : { seed: body.seed }),
  };
  return {
    model: body.model,
    request,
    stream: body.stream === true,
    includeUsage: body.stream_options?.include_usage === true,
    maxTokens: body.max_completion_tokens ?? body.max_tokens ?? undefined,
    stop: body.stop == null ? [] : [body.stop].flat(),
    parallelToolCalls: body.parallel_tool_calls !== false,
    body: json,
  };
}

function offeredTools(body: ChatRequestBody): OfferedTool[] {
  const choice = body.tool_choice;
  const allowed =
    typeof choice === 'object' && choice?.type === 'allowed_tools' ? new Set(chosenNames(body)) : undefined;
  return (body.tools ?? [])
    .filter((tool) => allowed?.has(tool.function.name) ?? true)
    .map(({ function: { name, description, parameters } }) => ({
      name,
      description: description ?? '',
      parameters: parameters ?? { type: 'object', properties: {} },
    }));
}

function toToolChoice({ tool_choice: choice }: ChatRequestBody): ToolChoice {
  if (choice == null) return 'auto';
  if (typeof choice === 'string') return choice;
  return choice.type === 'function' ? { name: choice.function.name } : choice.allowed_tools.mode;
}

function chosenNames({ tool_choice: choice }: ChatRequestBody): string[] {
  if (choice == null || typeof choice === 'string') return [];
  if (choice.type === 'function') return [choice.function.name];
  return choice.allowed_tools.tools.map((tool) => tool.function.name);
}

function toChatMessage(message: WireMessage): ChatMessage {
  switch (message.role) {
    case 'system':
    case 'developer':
      return { role: 'system', content: flatten(message.content) };
    case 'user':
      return { role: 'user', content: flatten(message.content) };
    case 'tool':
      return { role: 'tool', content: flatten(message.content), toolCallId: message.tool_call_id };
    case 'assistant':
      return {
        role: 'assistant',
        content: flatten(message.content ?? message.refusal ?? ''),
        toolCalls: (message.tool_calls ?? []).map((call) => ({
          id: call.id,
          name: call.function.name,
          arguments: parseJson(call.function.arguments) ?? call.function.arguments,
        })),
      };
  }
}

function flatten(content: string | readonly ({ text: string } | { refusal: string })[]): string {
  if (typeof content === 'string') return content;
  return content.map((part) => ('text' in part ? part.text : part.refusal)).join('');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

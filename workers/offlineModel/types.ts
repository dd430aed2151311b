/**
 * What stands between the wire and the answers of the offline model: plain JSON, nothing of HTTP.
 *
 * Invariants:
 * 1. `answer(request)` is pure: the same request (seed included) gives the same answer, on every machine.
 * 2. Message texts are already flattened: content parts of type text are joined, in order; `''` stands for no content.
 * 3. `toolChoice` names a tool that is in `tools`; with no tools it is `'none'`.
 */

/** A JSON schema as it came over the wire (draft 2020-12 or what a client calls so); `true` and `false` are schemas too. */
export type JsonSchema = boolean | { readonly [keyword: string]: unknown };

export interface SystemMessage {
  readonly role: 'system';
  readonly content: string;
}

export interface UserMessage {
  readonly role: 'user';
  readonly content: string;
}

export interface AssistantMessage {
  readonly role: 'assistant';
  readonly content: string;
  /** Empty when it called no tools. */
  readonly toolCalls: readonly PastToolCall[];
}

export interface ToolMessage {
  readonly role: 'tool';
  readonly content: string;
  /** The `id` of the call in an earlier assistant message. */
  readonly toolCallId: string;
}

/** A `developer` message arrives as `system`. */
export type ChatMessage = SystemMessage | UserMessage | AssistantMessage | ToolMessage;

export interface PastToolCall {
  readonly id: string;
  readonly name: string;
  /** Parsed from the wire's string; that string itself when it is no JSON. */
  readonly arguments: unknown;
}

export interface OfferedTool {
  readonly name: string;
  /** `''` when the client gave none. */
  readonly description: string;
  readonly parameters: JsonSchema;
}

export type ToolChoice = 'auto' | 'none' | 'required' | { readonly name: string };

export interface ModelRequest {
  readonly messages: readonly ChatMessage[];
  readonly tools: readonly OfferedTool[];
  readonly toolChoice: ToolChoice;
  /** The schema of `response_format: json_schema`: a text answer has to be JSON that matches it. */
  readonly schema?: JsonSchema;
  /** `response_format: json_object`: a text answer has to be a JSON object. */
  readonly jsonObject?: boolean;
  readonly seed?: number;
}

export interface ToolCallAnswer {
  readonly name: string;
  /** Any JSON; the wire turns it into a string. */
  readonly arguments: unknown;
}

export type ModelAnswer =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'toolCalls'; readonly calls: readonly ToolCallAnswer[]; readonly text?: string };

export type Answer = (request: ModelRequest) => ModelAnswer;

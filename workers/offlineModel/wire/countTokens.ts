/**
 * How the offline model counts tokens: a rule anybody can redo, not a tokenizer.
 *
 * Invariants:
 * 1. A text has one token per four UTF-8 bytes, rounded up; the empty text has none.
 * 2. A prompt never counts more than a quarter of its request body's bytes, rounded up: what a message costs beside its
 *    texts is less than what its JSON spends on keys and quotes. A client that writes JSON as `JSON.stringify` does can so
 *    bound its input by the body's size.
 */
import type { AssistantMessage, ChatMessage, ModelRequest, OfferedTool } from '../types.js';

export const bytesPerToken = 4;
const tokensPerMessage = 3;

export function countTokens(text: string): number {
  return Math.ceil(Buffer.byteLength(text, 'utf8') / bytesPerToken);
}

/** Tokens of one message, its tool calls included. */
export function countMessageTokens(message: ChatMessage): number {
  const calls = message.role === 'assistant' ? countPastCalls(message) : 0;
  return tokensPerMessage + countTokens(message.content) + calls;
}

/** Tokens of what stands before the messages: the offered tools and the answer's schema. */
export function countPrefixTokens(request: Pick<ModelRequest, 'tools' | 'schema'>): number {
  const schema = request.schema === undefined ? 0 : countTokens(JSON.stringify(request.schema));
  return request.tools.reduce((sum, tool) => sum + countToolTokens(tool), schema);
}

export function countPromptTokens(request: ModelRequest): number {
  return request.messages.reduce((sum, message) => sum + countMessageTokens(message), countPrefixTokens(request));
}

function countToolTokens(tool: OfferedTool): number {
  return countTokens(tool.name + tool.description) + countTokens(JSON.stringify(tool.parameters));
}

function countPastCalls(message: AssistantMessage): number {
  return message.toolCalls.reduce((sum, call) => {
    const args = typeof call.arguments === 'string' ? call.arguments : JSON.stringify(call.arguments);
    return sum + countTokens(call.name) + countTokens(args);
  }, 0);
}

/**
 * What a conversation gives to answer from: instructions, input, texts, tool results.
 *
 * Invariant: messages that report schema errors of an earlier answer are no material; the answer is valid anyway.
 */
import type { ModelRequest, PastToolCall } from '../types.js';
import { readFacts, type Facts } from './compose/readFacts.js';
import { isObject, type Json, type JsonObject } from './schema/shape.js';

export interface ToolResult {
  readonly call: PastToolCall;
  readonly value: Json;
}

export interface Material {
  readonly instructions: string;
  /** User messages that are no JSON, joined. */
  readonly prompt: string;
  /** User messages that are JSON, merged, with tool results under the tools' names; null when there is none. */
  readonly input: JsonObject | null;
  readonly facts: Facts;
  readonly toolResults: readonly ToolResult[];
  /** Everything to be read as a document. */
  readonly text: string;
}

export function readRequest(request: ModelRequest): Material {
  const instructions = request.messages.flatMap((one) => (one.role === 'system' ? [one.content] : [])).join('\n');
  const prompts: string[] = [];
  let input: JsonObject | null = null;
  let isAnswered = false;
  for (const message of request.messages) {
    if (message.role === 'assistant' && message.toolCalls.length === 0) isAnswered = true;
    if (message.role !== 'user') continue;
    if (isAnswered && isSchemaComplaint(message.content)) continue;
    const value = parseJson(message.content);
    if (isObject(value)) input = { ...(input ?? {}), ...value };
    else if (Array.isArray(value)) input = { ...(input ?? {}), items: value };
    else prompts.push(typeof value === 'string' ? value : message.content);
  }
  const toolResults = readToolResults(request);
  const results = Object.fromEntries(toolResults.map(({ call, value }) => [call.name, value]));
  const facts = readFacts({ ...(input ?? {}), ...results });
  const prompt = prompts.join('\n');
  return {
    instructions,
    prompt,
    input: input === null && toolResults.length === 0 ? null : { ...(input ?? {}), ...results },
    facts,
    toolResults,
    text: [...facts.texts, prompt].filter((text) => text !== '').join('\n\n'),
  };
}

function readToolResults(request: ModelRequest): ToolResult[] {
  const calls = new Map(
    request.messages.flatMap((one) =>
      one.role === 'assistant' ? one.toolCalls.map((call) => [call.id, call] as const) : [],
    ),
  );
  return request.messages.flatMap((one) => {
    const call = one.role === 'tool' ? calls.get(one.toolCallId) : undefined;
    return call ? [{ call, value: parseJson(one.content) ?? one.content }] : [];
  });
}

function isSchemaComplaint(text: string): boolean {
  return (
    text.length < 20_000 &&
    /schema|does not match|did not match|not valid|invalid|validation|answer was blocked by/i.test(
      text.slice(0, 600),
    ) &&
    !/^\s*\{/.test(text)
  );
}

/** The JSON of a text, fenced or bare; undefined when it is none. */
export function parseJson(text: string): Json | undefined {
  const trimmed = text.trim().replace(/^```(?:json)?\s*\n([\s\S]*)\n```$/, '$1');
  if (!/^[[{"]/.test(trimmed)) return undefined;
  try {
    return JSON.parse(trimmed) as Json;
  } catch {
    return undefined;
  }
}

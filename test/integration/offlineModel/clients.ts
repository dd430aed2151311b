/** Two clients of the same wire, written by different people, behind one face: what both understand is the wire. */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { APICallError, generateText, jsonSchema, Output, streamText, tool } from 'ai';
import type { JSONSchema7, LanguageModelUsage } from 'ai';
import OpenAI from 'openai';
import type { CompletionUsage } from 'openai/resources';
import type { ChatCompletionTool } from 'openai/resources/chat/completions';

export interface SeenUsage {
  readonly prompt: number | undefined;
  readonly completion: number | undefined;
  readonly total: number | undefined;
  readonly cached: number | undefined;
}

export interface Seen {
  readonly text: string;
  /** What came in single pieces, when it was streamed. */
  readonly pieces: readonly string[];
  readonly calls: readonly { id: string; name: string; arguments: unknown }[];
  readonly finishReason: string;
  readonly usage: SeenUsage;
}

export interface Asked {
  readonly prompt: string;
  readonly stream?: boolean;
  readonly maxTokens?: number;
  /** By name, the schema of its arguments. */
  readonly tools?: Readonly<Record<string, Record<string, unknown>>>;
  readonly schema?: Record<string, unknown>;
}

export interface WireClient {
  readonly name: string;
  ask(asked: Asked): Promise<Seen>;
  /** Undefined when the error is none of the API's, but of the connection. */
  statusOf(error: unknown): number | undefined;
}

export function openaiClient(baseURL: string): WireClient {
  const client = new OpenAI({ baseURL, apiKey: 'test', maxRetries: 0, timeout: 10_000 });

  async function ask({ prompt, stream, maxTokens, tools, schema }: Asked): Promise<Seen> {
    const request = {
      model: 'segno-offline',
      messages: [{ role: 'user' as const, content: prompt }],
      ...(maxTokens === undefined ? {} : { max_completion_tokens: maxTokens }),
      ...(tools === undefined ? {} : { tools: Object.entries(tools).map(toOpenaiTool) }),
      ...(schema === undefined
        ? {}
        : { response_format: { type: 'json_schema' as const, json_schema: { name: 'answer', schema, strict: true } } }),
    };
    if (stream !== true) return seenByOpenai(await client.chat.completions.create(request), []);
    const pieces: string[] = [];
    const running = client.chat.completions.stream({ ...request, stream_options: { include_usage: true } });
    running.on('content', (piece) => pieces.push(piece));
    return seenByOpenai(await running.finalChatCompletion(), pieces);
  }

  return {
    name: 'openai',
    ask,
    statusOf: (error) => (error instanceof OpenAI.APIError ? (error.status as number | undefined) : undefined),
  };
}

function seenByOpenai(completion: OpenAI.ChatCompletion, pieces: string[]): Seen {
  const choice = completion.choices[0]!;
  const calls = (choice.message.tool_calls ?? []).map((call) => {
    if (call.type !== 'function') throw new Error(`a call of type ${call.type}`);
    return { id: call.id, name: call.function.name, arguments: JSON.parse(call.function.arguments) as unknown };
  });
  const usage: CompletionUsage | undefined = completion.usage;
  return {
    text: choice.message.content ?? '',
    pieces,
    calls,
    finishReason: choice.finish_reason.replace('_', '-'),
    usage: {
      prompt: usage?.prompt_tokens,
      completion: usage?.completion_tokens,
      total: usage?.total_tokens,
      cached: usage?.prompt_tokens_details?.cached_tokens,
    },
  };
}

function toOpenaiTool([name, parameters]: [string, Record<string, unknown>]): ChatCompletionTool {
  return { type: 'function', function: { name, parameters } };
}

export function aiSdkClient(baseURL: string): WireClient {
  const provider = createOpenAICompatible({
    name: 'segno',
    baseURL,
    apiKey: 'test',
    includeUsage: true,
    supportsStructuredOutputs: true,
  });

  async function ask({ prompt, stream, maxTokens, tools, schema }: Asked): Promise<Seen> {
    const request = {
      model: provider('segno-offline'),
      prompt,
      maxRetries: 0,
      abortSignal: AbortSignal.timeout(10_000),
      ...(maxTokens === undefined ? {} : { maxOutputTokens: maxTokens }),
      ...(tools === undefined ? {} : { tools: toAiTools(tools) }),
      ...(schema === undefined ? {} : { output: Output.object({ schema: jsonSchema(schema as JSONSchema7) }) }),
    };
    if (stream !== true) {
      const result = await generateText(request);
      return seenByAi(result.text, [], result.toolCalls, result.finishReason, result.usage);
    }
    let failure: unknown;
    const running = streamText({ ...request, onError: ({ error }) => void (failure = error) });
    const pieces: string[] = [];
    for await (const piece of running.textStream) pieces.push(piece);
    if (failure instanceof Error) throw failure;
    return seenByAi(
      await running.text,
      pieces,
      await running.toolCalls,
      await running.finishReason,
      await running.usage,
    );
  }

  return {
    name: 'ai-sdk',
    ask,
    statusOf: (error) => (APICallError.isInstance(error) ? error.statusCode : undefined),
  };
}

function seenByAi(
  text: string,
  pieces: string[],
  toolCalls: readonly { toolCallId: string; toolName: string; input: unknown }[],
  finishReason: string,
  usage: LanguageModelUsage,
): Seen {
  return {
    text,
    pieces,
    calls: toolCalls.map((call) => ({ id: call.toolCallId, name: call.toolName, arguments: call.input })),
    finishReason,
    usage: {
      prompt: usage.inputTokens,
      completion: usage.outputTokens,
      total: usage.totalTokens,
      cached: usage.inputTokenDetails.cacheReadTokens,
    },
  };
}

function toAiTools(tools: NonNullable<Asked['tools']>) {
  return Object.fromEntries(
    Object.entries(tools).map(([name, schema]) => [name, tool({ inputSchema: jsonSchema(schema as JSONSchema7) })]),
  );
}

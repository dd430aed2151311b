/**
 * The most tokens a request can count as input: what its call holds of budgets and rate limits until the provider has told.
 *
 * Invariants:
 * 1. It never lies under the real count: from a tokenizer it is exact for texts, and generous for what stands around them.
 * 2. Without a tokenizer it is the request's bytes: a token is at least one byte of UTF-8.
 */
import type { ChatCompletionTool, ResponseFormatJSONSchema } from 'openai/resources';
import { countTokens } from './countTokens.js';
import { type Message, requestedCalls } from './messages.js';
import type { CallableModel } from './modelClients.js';

/** What providers add of their own: a preamble, the syntax of tools. */
const overheadTokens = 256;
/** Around a message and around a tool call, of which OpenAI's cookbook counts 3 or 4. */
const wrapperTokens = 16;
/** Longer requests count their bytes: to count their tokens takes seconds where somebody has made them for it. */
const mostCountedChars = 1_000_000;

/** Without those that read more than they are sent, as from a search. */
const openAiModels = /^(?:ft:)?(?:gpt-4o|gpt-4\.1|gpt-5|o[134])(?:-(?:mini|nano|pro|[\d-]+))*(?::.*)?$/;
const openAiHost = 'api.openai.com';

interface Request {
  messages: readonly Message[];
  tools: readonly ChatCompletionTool[];
  responseFormat: ResponseFormatJSONSchema | undefined;
}

/** The request's size for each of the models that may answer it: measured once, and its tokens counted once for all with a tokenizer. */
export function inputTokensOf(request: Request): (model: Pick<CallableModel, 'client' | 'config'>) => Promise<number> {
  const { messages, tools, responseFormat } = request;
  const around = overheadTokens + Buffer.byteLength(JSON.stringify([tools, responseFormat ?? null]));
  const json = JSON.stringify(messages);
  const bytes = around + Buffer.byteLength(json);
  let counting: Promise<number> | undefined;
  return async (model) => {
    if (!hasTokenizer(model) || json.length > mostCountedChars) return bytes;
    return Math.min(around + (await (counting ??= countMessages(messages))), bytes);
  };
}

async function countMessages(messages: readonly Message[]): Promise<number> {
  let tokens = 0;
  for (const message of messages) {
    const { content } = message;
    tokens += wrapperTokens;
    if (content) tokens += await countTokens(typeof content === 'string' ? content : JSON.stringify(content));
    for (const call of requestedCalls(message)) {
      tokens += wrapperTokens + Buffer.byteLength(call.id + call.name) + (await countTokens(call.arguments));
    }
  }
  return tokens;
}

/** A server elsewhere may give any model any name: there only the config knows. */
function hasTokenizer({ client, config }: Pick<CallableModel, 'client' | 'config'>): boolean {
  if (config.tokenizer !== undefined) return config.tokenizer !== 'bytes';
  return new URL(client.baseURL).host === openAiHost && openAiModels.test(config.model);
}

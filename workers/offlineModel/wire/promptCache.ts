import { createHash } from 'node:crypto';
import type { ModelRequest } from '../types.js';
import { countMessageTokens, countPrefixTokens } from './countTokens.js';

const minTokens = 1_024;
const tokenStep = 128;

/**
 * How much of a prompt a provider would have had in its cache: the longest start (tools, schema, then messages) that an
 * earlier prompt had too, from 1,024 tokens on and in steps of 128, as OpenAI counts it.
 *
 * Remembers at most `capacity` starts; the least recently used go first.
 */
export function createPromptCache(capacity = 10_000): (request: ModelRequest) => number {
  const seen = new Set<string>();

  function remember(key: string): void {
    seen.delete(key);
    seen.add(key);
    if (seen.size > capacity) seen.delete(seen.values().next().value!);
  }

  return (request) => {
    let key = hash('', { tools: request.tools, schema: request.schema });
    let tokens = countPrefixTokens(request);
    let cached = 0;
    for (const message of request.messages) {
      key = hash(key, message);
      tokens += countMessageTokens(message);
      if (seen.has(key)) cached = tokens;
      remember(key);
    }
    return cached < minTokens ? 0 : Math.floor(cached / tokenStep) * tokenStep;
  };
}

function hash(parent: string, value: unknown): string {
  return createHash('sha256').update(parent).update(JSON.stringify(value)).digest('base64url');
}

/**
 * How the offline model answers: rules and statistics over the given text, guided by the answer's schema.
 *
 * Invariants:
 * 1. Pure and deterministic: no clock, no randomness, no memory between requests.
 * 2. A text answer to a request with a schema is JSON that matches it.
 * 3. Facts come from the conversation; where it does not state one, the answer says null, or the emptiest valid value.
 */
import type { ModelAnswer, ModelRequest } from '../types.js';
import { composeReply } from './compose/composeReply.js';
import { createSource } from './fill/scope.js';
import { fillSchema } from './fill/fillValue.js';
import { readRequest } from './readRequest.js';
import { chooseCalls } from './tools/chooseCalls.js';

export function answer(request: ModelRequest): ModelAnswer {
  const material = readRequest(request);
  const calls = chooseCalls(request, material);
  if (calls.length > 0) return { kind: 'toolCalls', calls };
  const schema = request.schema ?? true;
  const source = createSource(material, schema);
  if (request.schema !== undefined) {
    return { kind: 'text', text: JSON.stringify(fillSchema(schema, { source, path: [], item: null, depth: 0 })) };
  }
  const text = composeReply(source);
  return { kind: 'text', text: request.jsonObject ? JSON.stringify({ answer: text }) : text };
}

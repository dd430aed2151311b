/** A model server in a process of its own that answers at once: tool calls as long as the input asks for turns, then ok. */
import type { ModelAnswer, ModelRequest } from '../workers/offlineModel/types.js';
import { serveModel } from '../workers/offlineModel/serveModel.js';

function answer({ messages, tools }: ModelRequest): ModelAnswer {
  const tool = tools[0];
  if (!tool) return { kind: 'text', text: '{"ok":true}' };
  const input = messages.find(({ role }) => role === 'user');
  const { turns, bytes } = JSON.parse(String(input?.content)) as { turns: number; bytes: number };
  const called = messages.filter(({ role }) => role === 'tool').length;
  if (called >= turns) return { kind: 'text', text: '{"ok":true}' };
  return { kind: 'toolCalls', calls: [{ name: tool.name, arguments: { bytes, call: called } }] };
}

const model = await serveModel(answer, { port: 0, maxBodyBytes: 64 * 1024 * 1024, contextTokens: 100_000_000 });
process.stdout.write(`${JSON.stringify({ ready: true, url: model.url })}\n`);
process.once('SIGTERM', () => void model.close().finally(() => process.exit(0)));
process.once('disconnect', () => process.exit(0));

/** What a scripted model says to the agents of this project. */
import { hang, json, type RecordedRequest, type ScriptStep, toolCalls } from '../../../../testing/index.js';

export function wordsOf(text: string): number {
  return text.split(/\s+/).filter((word) => /^\w+$/.test(word)).length;
}

export function answerOf({ agent, messages }: RecordedRequest): ScriptStep {
  const last = messages.at(-1)!;
  const said = String(messages.find(({ role }) => role === 'user')?.content);
  if (agent === 'adder') return json({ sum: (JSON.parse(said) as { sum: number }[]).reduce((a, b) => a + b.sum, 0) });
  const { text } = JSON.parse(said) as { text: string };
  if (text.includes('endless')) return hang();
  if (agent === 'counter') return json({ sum: wordsOf(text) });
  return last.role === 'tool'
    ? json(JSON.parse(String(last.content)))
    : toolCalls([{ name: 'measure', arguments: { text } }]);
}

import { continueAsNew, executeChild } from '@temporalio/workflow';
import { proxyAgents, proxyTools } from '../../../../workflows/index.js';

const { clerk } = proxyAgents<typeof import('./agents.js')>({ timeout: '2m' });
const { lookUp } = proxyTools<typeof import('./tools.js')>({ timeout: '1m' });

interface Case {
  case: string;
}

export async function answerCase(input: Case): Promise<string> {
  return (await clerk(input)).answer;
}

/** Goes on as new once, and has the second case answered by a child. */
export async function answerTwice({ done = [], ...input }: Case & { done?: string[] }): Promise<string[]> {
  if (done.length > 0) return [...done, await executeChild(answerCase, { args: [input] })];
  const first = await answerCase(input);
  return continueAsNew<typeof answerTwice>({ ...input, done: [first] });
}

export async function failToLookUp(): Promise<string> {
  return lookUp({ text: 'nothing' }, { maxAttempts: 2 });
}

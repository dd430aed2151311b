import { continueAsNew, executeChild } from '@temporalio/workflow';
import { proxyAgents, proxyTools } from '../../../../workflows/index.js';

const { counter } = proxyAgents<typeof import('./agents.js')>({ timeout: '2m' });
const { findFigure } = proxyTools<typeof import('./tools.js')>({ timeout: '1m' });

interface Case {
  case: string;
}

export async function countCase(input: Case): Promise<string> {
  return (await counter(input)).answer;
}

/** Goes on as new once, and has the second case answered by a child. */
export async function countTwice({ done = [], ...input }: Case & { done?: string[] }): Promise<string[]> {
  if (done.length > 0) return [...done, await executeChild(countCase, { args: [input] })];
  const first = await countCase(input);
  return continueAsNew<typeof countTwice>({ ...input, done: [first] });
}

export async function failToFind(): Promise<string> {
  return findFigure({ text: 'nothing' }, { maxAttempts: 2 });
}

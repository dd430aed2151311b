import { proxyAgents, proxyTools } from 'segno/workflow';
import { proxyActivities } from '@temporalio/workflow';

const agents = proxyAgents<typeof import('./agents.js')>({ timeout: '1h' });
const tools = proxyTools<typeof import('./tools.js')>({ timeout: '1h' });
const bare = proxyActivities<{
  addOne(n: number): Promise<number>;
  continueConversation(messages: string[], bytes: number): Promise<string>;
}>({ startToCloseTimeout: '1m', retry: { maximumAttempts: 3 } });

export type Step = 'bare' | 'agent' | 'quick' | 'long';

const steps: Record<Step, (n: number) => Promise<unknown>> = {
  bare: (n) => bare.addOne(n),
  agent: () => agents.echo({ text: 'ok?' }),
  quick: (n) => tools.quickAdd({ n }),
  long: (n) => tools.longAdd({ n }),
};

/** Steps one after the other. @returns the workflow's clock after each, epoch milliseconds */
export async function sequence({ step, count }: { step: Step; count: number }): Promise<number[]> {
  const times = [Date.now()];
  for (let n = 0; n < count; n += 1) {
    await steps[step](n);
    times.push(Date.now());
  }
  return times;
}

export async function fanOut({ step, width }: { step: Step; width: number }): Promise<void> {
  await Promise.all(Array.from({ length: width }, (_, n) => steps[step](n)));
}

/** One agent call of so many turns, each with one tool call whose result has so many bytes. */
export async function converse({
  caller,
  turns,
  bytes,
}: {
  caller: 'quickCaller' | 'longCaller';
  turns: number;
  bytes: number;
}): Promise<void> {
  await agents[caller]({ turns, bytes });
}

/** The same conversation as plain Temporal would have it: the transcript is workflow state and goes along with every call. */
export async function bareConversation({ turns, bytes }: { turns: number; bytes: number }): Promise<number> {
  const messages: string[] = [];
  for (let turn = 0; turn < turns; turn += 1) messages.push(await bare.continueConversation(messages, bytes));
  return messages.length;
}

export { mapNumbers } from './mapWorkflow.js';

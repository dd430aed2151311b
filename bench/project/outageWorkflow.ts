import { proxyAgents } from 'segno/workflow';
import { proxyActivities } from '@temporalio/workflow';

const { echo } = proxyAgents<typeof import('./agents.js')>({ timeout: '1m' });
// Temporal's own retry policy: after 1 s, 2 s, 4 s, …
const { askFirst, askEither } = proxyActivities<{ askFirst(): Promise<string>; askEither(): Promise<string> }>({
  startToCloseTimeout: '10s',
  scheduleToCloseTimeout: '1m',
});

/** One answer of a model, in one of three ways. */
export async function askOnce({ way }: { way: 'gate' | 'retries' | 'fallback' }): Promise<void> {
  if (way === 'gate') await echo({ text: 'ok?' });
  else if (way === 'retries') await askFirst();
  else await askEither();
}

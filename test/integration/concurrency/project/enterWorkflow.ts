import { executeChild } from '@temporalio/workflow';
import { proxyTools } from '../../../../workflows/index.js';

const { enter } = proxyTools<typeof import('./enterTools.js')>({ timeout: '10m' });

/** Enters `times` times at once; in a child workflow if it says so. */
export async function enterOnce({
  name,
  times,
  child,
}: {
  name: string;
  times: number;
  child?: boolean;
}): Promise<void> {
  if (child) return executeChild(enterOnce, { args: [{ name, times }] });
  await Promise.all(Array.from({ length: times }, () => enter({ name })));
}

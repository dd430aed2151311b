import {
  CancellationScope,
  condition,
  continueAsNew,
  defineSignal,
  executeChild,
  isCancellation,
  setHandler,
  sleep,
} from '@temporalio/workflow';
import { fail, proxyTools } from '../../../../workflows/index.js';

const { note } = proxyTools<typeof import('./tools.js')>({ timeout: '1m' });

export const finish = defineSignal('finish');

export interface Work {
  name: string;
  /** Until the signal `finish`; else for so long, without a timer for 0: the server's fire late. */
  forMs?: number;
  /** Further executions it goes on in. */
  goesOn?: number;
  fails?: boolean;
  child?: boolean;
}

/** Notes when it is at work. */
export async function work({ name, forMs, goesOn = 0, fails, child }: Work): Promise<string> {
  let finished = false;
  setHandler(finish, () => void (finished = true));
  await note({ text: `in ${name}` });
  try {
    if (child) await executeChild(work, { args: [{ name: `${name}/child`, forMs: 0 }] });
    if (forMs === undefined) await condition(() => finished);
    else if (forMs > 0) await sleep(forMs);
  } catch (error) {
    if (isCancellation(error)) await CancellationScope.nonCancellable(() => note({ text: `undo ${name}` }));
    throw error;
  }
  if (goesOn > 0) {
    await continueAsNew<typeof work>({ name, goesOn: goesOn - 1, ...(forMs !== undefined && { forMs }) });
  }
  await note({ text: `out ${name}` });
  if (fails) throw fail('Run.Failed', 'it was to fail');
  return name;
}

import { loop, waitForEvent } from '../../../../workflows/index.js';

export interface CollectState {
  version: 1;
  upTo: number;
  seen: unknown[];
}

/** Collects what events say, one a round, in as many executions as it takes. */
export async function collect(state: CollectState): Promise<unknown[]> {
  return loop(state, async () => {
    state.seen.push(await waitForEvent('number'));
    if (state.seen.length < state.upTo) return undefined;
    return { done: [...state.seen, await waitForEvent('last')] };
  });
}

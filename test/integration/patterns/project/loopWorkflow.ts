import { defineSignal, setHandler, sleep } from '@temporalio/workflow';
import { loop, parallel, proxyTools } from '../../../../workflows/index.js';

const { note } = proxyTools<typeof import('./tools.js')>({ timeout: '1m' });

export interface CountState {
  version: 1;
  case: string;
  /** What it counts up to, by signals or by itself. */
  upTo: number;
  sum: number;
  /** Steps of each round; each leaves events in the history. */
  stepsPerRound: number;
  waiting: number[];
  delayMs?: number;
  maxRounds?: number;
  nested?: boolean;
  lost?: boolean;
}

export const add = defineSignal<[number]>('add');

/** Adds up what it is told by signals, round after round. */
export async function count(state: CountState): Promise<{ sum: number; rounds: number }> {
  setHandler(add, (amount) => {
    state.waiting.push(amount);
  });
  const run = () =>
    loop(
      state,
      async (_, round) => {
        if (state.lost) Object.assign(state, { seen: new Map([['a', 1]]) });
        for (let step = 0; step < state.stepsPerRound; step += 1)
          await note({ case: state.case, text: `round ${round}` });
        if (state.waiting.length === 0) await sleep(20);
        state.sum += state.waiting.reduce((sum, amount) => sum + amount, 0);
        state.waiting = [];
        return state.sum >= state.upTo ? { done: { sum: state.sum, rounds: round } } : undefined;
      },
      {
        ...(state.delayMs !== undefined && { delay: state.delayMs }),
        ...(state.maxRounds !== undefined && { maxRounds: state.maxRounds }),
      },
    );
  return state.nested ? (await parallel({ inner: run })).inner : run();
}

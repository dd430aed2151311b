/**
 * Each pattern, and the same by hand on Temporal's SDK, on the same bare activity: what differs is the pattern alone.
 *
 * By hand means what an engineer would write who wants the same outcome: cancelled losers, time limits, the failed step's name.
 */
import {
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  defineUpdate,
  isCancellation,
  proxyActivities,
  setHandler,
  sleep,
  upsertMemo,
  workflowInfo,
} from '@temporalio/workflow';
import {
  approval,
  dag,
  hedge,
  loop,
  mapReduce,
  parallel,
  planAndRun,
  proxyTools,
  race,
  refine,
  repeatUntil,
  route,
  saga,
  sequential,
  supervise,
  withFallback,
  withTimeout,
} from 'segno/workflow';

const decide = defineUpdate<void, [{ approved: boolean }]>('decide');
const { addOne } = proxyActivities<{ addOne(n: number): Promise<number> }>({
  startToCloseTimeout: '1m',
  retry: { maximumAttempts: 3 },
});

const review = async (n: number) => ({ acceptable: (await addOne(n)) < 0, feedback: [] as string[] });
const fromFirst = ({ first }: { first: number }) => addOne(first);
const width = 20;
const numbers = Array.from({ length: width }, (_, n) => n);
const sum = (terms: readonly number[]): number => terms.reduce((total, term) => total + term, 0);
const levels = ['a', 'b', 'c', 'd', 'e'] as const;

const withPattern = {
  sequential: () =>
    levels.reduce((sequence, name) => sequence.step(name, addOne) as typeof sequence, sequential<number>()).run(1),
  parallel: () => parallel(numbers.map((n) => () => addOne(n))),
  mapReduce: () => mapReduce({ items: numbers, map: (n: number) => addOne(n), reduce: sum }),
  route: () =>
    route(
      { n: 1 },
      { rules: [{ when: 'input.n > 0', to: 'up' }], routes: { up: ({ n }) => addOne(n) }, fallback: () => addOne(0) },
    ),
  race: () => race({ first: () => addOne(1), second: () => sleep('1h') }),
  hedge: () => hedge(() => addOne(1), { after: '1m' }),
  withFallback: () => withFallback({ first: () => addOne(1), second: () => addOne(2) }),
  withTimeout: () => withTimeout('1m', () => addOne(1)),
  refine: () => refine({ write: () => addOne(1), review, maxRounds: 3 }),
  repeatUntil: () => repeatUntil(addOne, { until: (n) => n > 5, maxRounds: 9 }),
  saga: () =>
    saga(async (undo) => {
      const first = await addOne(1);
      undo('first', () => addOne(-first));
      return addOne(first);
    }),
  approval: () => approval('go', { timeout: 5, onExpiry: { approved: true } }),
  supervise: () => supervise({ work: () => addOne(1), review, maxRounds: 3, escalate: { senior: () => addOne(2) } }),
  dag: () =>
    dag({
      first: { run: () => addOne(1) },
      left: { after: ['first'], run: fromFirst },
      middle: { after: ['first'], run: fromFirst },
      right: { after: ['first'], run: fromFirst },
      last: {
        after: ['left', 'middle', 'right'],
        run: ({ left, middle, right }: Record<'left' | 'middle' | 'right', number>) => addOne(left + middle + right),
      },
    }),
};

export type PatternName = keyof typeof withPattern;

const byHand: Record<PatternName, () => Promise<unknown>> = {
  async sequential() {
    let n = 1;
    for (const name of levels) {
      n = await addOne(n).catch((error: unknown) => {
        throw new Error(`${name} failed`, { cause: error });
      });
    }
    return n;
  },
  parallel: () => together(numbers),
  async mapReduce() {
    return sum(await together(numbers));
  },
  route: () => addOne(1),
  async race() {
    const scope = new CancellationScope();
    const quietly = (error: unknown): unknown => {
      if (!isCancellation(error)) throw error;
      return undefined;
    };
    const loser = scope.run(() => sleep('1h'));
    const winner = await Promise.race([addOne(1), loser]);
    scope.cancel();
    loser.catch(quietly);
    return winner;
  },
  hedge: () => inTime('1m', () => addOne(1)),
  withFallback: () => addOne(1).catch(() => addOne(2)),
  withTimeout: () => CancellationScope.withTimeout('1m', () => addOne(1)),
  async refine() {
    for (let round = 1; ; round += 1) {
      const draft = await addOne(1);
      const { acceptable } = await review(draft);
      if (acceptable || round >= 3) return { draft, acceptable };
    }
  },
  async repeatUntil() {
    let output: number | undefined;
    for (let round = 1; round <= 9; round += 1) {
      output = await addOne(round);
      if (output > 5) break;
    }
    return output;
  },
  async saga() {
    const undo: (() => Promise<unknown>)[] = [];
    try {
      const first = await addOne(1);
      undo.unshift(() => addOne(-first));
      return await addOne(first);
    } catch (error) {
      await CancellationScope.nonCancellable(async () => {
        for (const back of undo) await back();
      });
      throw error;
    }
  },
  async approval() {
    let decision: { approved: boolean } | undefined;
    setHandler(decide, (made) => void (decision ??= made), {
      validator: ({ approved }) => {
        if (typeof approved !== 'boolean') throw new Error('approved is no boolean');
      },
    });
    // Who is to decide has to find what waits, also while no worker runs.
    const now = Date.now();
    upsertMemo({ waiting: { name: 'go', since: new Date(now).toISOString(), until: new Date(now + 5).toISOString() } });
    const decided = await condition(() => decision !== undefined, 5);
    upsertMemo({ waiting: null });
    return decided ? decision : { approved: true };
  },
  async supervise() {
    for (let round = 1; round <= 3; round += 1) {
      const draft = await addOne(1);
      if ((await review(draft)).acceptable) return draft;
    }
    return addOne(2);
  },
  async dag() {
    const first = await addOne(1);
    const [left, middle, right] = await Promise.all([addOne(first), addOne(first), addOne(first)]);
    return addOne(left + middle + right);
  },
};

/** All at once; the first failure cancels the rest. */
function together(inputs: readonly number[]): Promise<number[]> {
  return CancellationScope.cancellable(async () => {
    const running = inputs.map((n) => addOne(n));
    try {
      return await Promise.all(running);
    } catch (error) {
      CancellationScope.current().cancel();
      await Promise.allSettled(running);
      throw error;
    }
  });
}

/** A second attempt would start when the timer fires; here it never does. */
async function inTime<T>(after: '1m', body: () => Promise<T>): Promise<T> {
  const timer = new CancellationScope();
  void timer
    .run(() => sleep(after))
    .catch((error: unknown) => {
      if (!isCancellation(error)) throw error;
    });
  try {
    return await body();
  } finally {
    timer.cancel();
  }
}

export interface PatternRun {
  pattern: PatternName;
  way: 'pattern' | 'byHand';
  /** How often, one after the other. */
  times: number;
}

export async function usePattern({ pattern, way, times }: PatternRun): Promise<void> {
  const use = way === 'pattern' ? withPattern[pattern] : byHand[pattern];
  for (let time = 0; time < times; time += 1) await use();
}

/** @returns milliseconds until each of so many branches had its end, by the workflow's clock */
export async function wide({ way, count }: { way: 'pattern' | 'byHand'; count: number }): Promise<number[]> {
  const started = Date.now();
  const branch = async (n: number): Promise<number> => {
    await addOne(n);
    return Date.now() - started;
  };
  const branches = Array.from({ length: count }, (_, n) => n);
  return way === 'pattern' ? parallel(branches.map((n) => () => branch(n))) : Promise.all(branches.map(branch));
}

export interface Rounds {
  way: PatternRun['way'];
  upTo: number;
  round: number;
}

/** A step a round, in further executions when the history has grown. */
export async function goRound(state: Rounds): Promise<number> {
  if (state.way === 'pattern') {
    return loop(state, async () => {
      state.round = await addOne(state.round);
      return state.round >= state.upTo ? { done: state.round } : undefined;
    });
  }
  while (state.round < state.upTo) {
    state.round = await addOne(state.round);
    if (!workflowInfo().continueAsNewSuggested) continue;
    await condition(allHandlersFinished);
    await continueAsNew<typeof goRound>(state);
  }
  return state.round;
}

const { longAdd } = proxyTools<typeof import('./tools.js')>({ timeout: '1h' });
const { describeCatalogue, checkPlan } = proxyActivities<{
  describeCatalogue(names: object): Promise<string>;
  checkPlan(request: object): Promise<unknown>;
}>({ startToCloseTimeout: '1m' });
const within = { agents: ['echo'], tools: ['longAdd'] };
const steps = ['first', 'second', 'third'].map((id, index, ids) => ({
  ...{ id, agent: null, tool: 'longAdd', after: [] },
  input: index === 0 ? '{"n":1}' : `{"n":{"$ref":"steps.${ids[index - 1]}.n"}}`,
}));
const plan = {
  ...{ version: 1, name: 'add', output: { $ref: 'steps.third.n' } },
  steps: steps.map(({ id, tool, input }) => ({ id, tool, input: JSON.parse(input) as unknown })),
};

/** A plan of three steps from a planner that answers at once; by hand its steps are code. */
export async function planned({ way }: { way: PatternRun['way'] }): Promise<unknown> {
  if (way === 'pattern') {
    const { output } = await planAndRun({
      ...{ goal: 'Add.', ...within },
      plan: () => Promise.resolve({ steps }),
      synthesize: ({ outputs }) => Promise.resolve(outputs['third']),
    });
    return output;
  }
  await describeCatalogue(within);
  await checkPlan({ plan, within });
  let n = 1;
  for (let step = 0; step < steps.length; step += 1) ({ n } = await longAdd({ n }));
  return n;
}

import { CancellationScope, executeChild, isCancellation, sleep } from '@temporalio/workflow';
import {
  approval,
  barrier,
  decide,
  fail,
  hedge,
  loop,
  mapReduce,
  parallel,
  planAndRun,
  proxyTools,
  race,
  refine,
  repeatUntil,
  type Sequence,
  sequential,
  supervise,
  type Voters,
  withBudget,
  withFallback,
  withTimeout,
} from '../../../../workflows/index.js';
import { runAwaited } from './awaitedBody.js';
import { runDag } from './dagBody.js';
import { runMap } from './mapBody.js';
import { runPeers } from './peersBody.js';
import { runRoute } from './routeBody.js';
import type { Composition, Spec } from './spec.js';

const { note, record } = proxyTools<typeof import('./tools.js')>({ timeout: '1m' });

export { talk, governTrees } from './peersWorkflow.js';
export { count } from './loopWorkflow.js';
export { collect } from './collectWorkflow.js';
export { decideAll } from './decideWorkflow.js';
export { inOrder } from './orderWorkflow.js';
export { planned } from './plannedWorkflow.js';

/** Runs a composition of patterns. */
export async function compose({ case: name, spec }: Composition): Promise<unknown> {
  return runSpec(name, spec);
}

type Bodies = Record<string, () => Promise<unknown>>;

async function runSpec(name: string, spec: Spec): Promise<unknown> {
  const body = (inner: Spec) => () => runSpec(name, inner);
  const bodies = (inner: Record<string, Spec>): Bodies =>
    Object.fromEntries(Object.entries(inner).map(([key, one]) => [key, body(one)]));
  switch (spec.do) {
    case 'value':
      return spec.value;
    case 'sleep':
      await sleep(spec.ms);
      return spec.value ?? null;
    case 'fail':
      await sleep(spec.afterMs ?? 1);
      throw fail(spec.type ?? 'Tool.Failed', spec.message);
    case 'cancelSelf':
      return CancellationScope.withTimeout(spec.afterMs, () => sleep('1h'));
    case 'shielded':
      return CancellationScope.nonCancellable(body(spec.body));
    case 'bug':
      throw new Error('a bug');
    case 'note':
      return note({ case: name, text: spec.text });
    case 'effect':
      return record({ case: name, text: spec.text });
    case 'parallel':
      return parallel(
        Array.isArray(spec.branches) ? spec.branches.map(body) : bodies(spec.branches),
        spec.options as { onFailure: 'continue' },
      );
    case 'race':
      return race(bodies(spec.branches), spec.timeout === undefined ? {} : { timeout: spec.timeout });
    case 'hedge': {
      const attempts = spec.attempts.map(body);
      let next = 0;
      return hedge(() => attempts[next++]!(), {
        after: spec.after,
        attempts: attempts.length,
        ...(spec.timeout !== undefined && { timeout: spec.timeout }),
      });
    }
    case 'fallback':
      return withFallback(
        bodies(spec.ways),
        spec.onlyWhen === undefined ? {} : { when: ({ type }) => type === spec.onlyWhen },
      );
    case 'timeout':
      return withTimeout(spec.timeout, body(spec.body));
    case 'barrier':
      return meetAt(spec);
    case 'sequential':
      return runSequence(name, spec);
    case 'dag':
      return runDag(spec, name, runSpec);
    case 'refine':
    case 'repeat':
    case 'supervise':
      return runInRounds(spec, name, body);
    case 'route':
      return runRoute(spec, name, runSpec);
    case 'ensemble': {
      const { do: _, voters, ...options } = spec;
      return decide.ensemble(bodies(voters) as Voters<string>, options);
    }
    case 'event':
    case 'sleepUntil':
    case 'every':
      return runAwaited(spec, body);
    case 'approval':
      return approval(spec.name, spec.options);
    case 'child':
      return executeChild(compose, { args: [{ case: name, spec: spec.spec }] });
    case 'map':
      return runMap(spec, name, runSpec);
    case 'mapChildren':
      return mapReduce({
        items: spec.specs.map((one) => ({ case: name, spec: one })),
        map: { workflow: compose },
        reduce: (parts: unknown[]) => parts,
        onFailure: 'continue',
      });
    case 'budget':
      return withBudget({ calls: 5 }, body(spec.body));
    case 'decide':
      return decide.table({ n: spec.n }, { rules: [{ when: 'input.n > 1', decide: 'more' }], otherwise: 'less' });
    case 'planned':
      return runPlanned(name, spec.texts);
    case 'looped':
      return executeChild(goRound, { args: [{ case: name, body: spec.body, left: spec.rounds }] });
    case 'saga':
    case 'handoff':
    case 'mesh':
    case 'debate':
    case 'hierarchy':
      return runPeers(spec, name, runSpec);
    case 'watch':
      return watched(name, spec.body, spec.text);
  }
}

function runPlanned(name: string, texts: readonly string[]): Promise<unknown> {
  const steps = texts.map((text, index) => ({
    ...{ id: `step${index}`, agent: null, tool: 'note', input: JSON.stringify({ case: name, text }) },
    after: index === 0 ? [] : [`step${index - 1}`],
  }));
  return planAndRun({
    ...{ goal: 'note them', tools: ['note'] },
    plan: () => Promise.resolve({ steps }),
    synthesize: ({ outputs }) => Promise.resolve(outputs),
  });
}

/** A loop stands alone in its workflow. */
export async function goRound(state: { case: string; body: Spec; left: number }): Promise<number> {
  return loop(state, async (_, round) => {
    await runSpec(state.case, state.body);
    state.left -= 1;
    return state.left <= 0 ? { done: round } : undefined;
  });
}

async function meetAt({
  sleepsMs,
  rounds,
  timeout,
  parties,
  leavesAfterMs = [],
}: Extract<Spec, { do: 'barrier' }>): Promise<string[]> {
  const gate = barrier(parties ?? sleepsMs.length, { timeout });
  const passed: string[] = [];
  await parallel(
    sleepsMs.map((ms, party) => async () => {
      for (let round = 1; round <= rounds; round += 1) {
        await sleep(ms);
        passed.push(`${party} comes to ${round}`);
        const leaves = leavesAfterMs[party];
        if (leaves != null) {
          const left = await withFallback({
            stays: () => withTimeout(leaves, () => gate.arrive()),
            leaves: () => Promise.resolve(0),
          });
          if (left.used === 'leaves') return;
        } else await gate.arrive();
        passed.push(`${party} passes ${round}`);
      }
    }),
  );
  return passed;
}

async function runSequence(name: string, spec: Extract<Spec, { do: 'sequential' }>): Promise<unknown> {
  let sequence = sequential<unknown>() as Sequence<unknown, unknown, Record<string, unknown>>;
  for (const { name: step, body, needs, undo, choose = [], among } of spec.steps) {
    let visits = 0;
    let failures = undo?.fails ?? 0;
    sequence = among
      ? sequence.decide(step, () => Promise.resolve({ next: choose[visits++] ?? 'end' }), { among })
      : sequence.step(
          step,
          async (previous) => {
            await note({ case: name, text: step });
            const output = await runSpec(name, body);
            return output === 'PREVIOUS' ? previous : output;
          },
          {
            ...(needs && { needs }),
            ...(undo && {
              compensate: async (output: unknown) => {
                const undone: Spec = { do: 'note', text: `undo ${step} ${JSON.stringify(output)}` };
                await (undo.inChild
                  ? executeChild(compose, { args: [{ case: name, spec: undone }] })
                  : runSpec(name, undone));
                if (failures-- > 0) throw fail('Tool.Failed', `cannot undo ${step}`);
              },
            }),
          },
        );
  }
  const { onError, onSuccess, timeout, maxSteps } = spec;
  const options = {
    ...(timeout !== undefined && { timeout }),
    ...(maxSteps !== undefined && { maxSteps }),
    ...(onError && { onError: () => runSpec(name, onError) }),
    ...(onSuccess && { onSuccess: () => runSpec(name, onSuccess) }),
  };
  return spec.settle ? sequence.settle('input', options) : sequence.run('input', options);
}

async function watched(name: string, body: Spec, text: string): Promise<unknown> {
  try {
    return await runSpec(name, body);
  } catch (error) {
    if (isCancellation(error)) {
      await CancellationScope.nonCancellable(() => note({ case: name, text: `${text} was cancelled` }));
    }
    throw error;
  }
}

type InRounds = Extract<Spec, { do: 'refine' | 'repeat' | 'supervise' }>;

async function runInRounds(
  spec: InRounds,
  name: string,
  body: (inner: Spec) => () => Promise<unknown>,
): Promise<unknown> {
  const nth = <T>(list: readonly T[], index: number): T => list[Math.min(index, list.length - 1)]!;
  const given = <T extends object>(options: T) => options as { [Key in keyof T]: Exclude<T[Key], undefined> };
  if (spec.do === 'repeat') {
    const { do: _, outputs, until, scored, ...options } = spec;
    return repeatUntil((round) => body(nth(outputs, round - 1))(), {
      ...given(options),
      until: (output) => output === until,
      ...(scored && { score: Number }),
    });
  }
  let drafted = 0;
  let reviewed = 0;
  const draft = async (feedback: string[] | undefined): Promise<unknown> => {
    await note({ case: name, text: `draft with ${feedback?.join(', ') ?? 'nothing'}` });
    return body(nth(spec.drafts, drafted++))();
  };
  const review = () => Promise.resolve(nth(spec.reviews, reviewed++));
  if (spec.do === 'refine') {
    const { do: _, drafts: __, reviews: ___, ...options } = spec;
    return refine({ write: draft, review, ...given(options) });
  }
  const { do: _, drafts: __, reviews: ___, escalate, ...options } = spec;
  const levels = Object.entries(escalate).map(
    ([level, inner]) =>
      [
        level,
        async (tried: object) => {
          await note({ case: name, text: `${level} gets ${JSON.stringify(tried)}` });
          return body(inner)();
        },
      ] as const,
  );
  return supervise({ work: draft, review, escalate: Object.fromEntries(levels), ...given(options) });
}

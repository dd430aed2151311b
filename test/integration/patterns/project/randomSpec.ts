/** Random compositions of all patterns, with failures, endless steps and limits in them. */
import fc from 'fast-check';
import type { DagSpecStep, ReviewSpec, Spec } from './spec.js';

const shortMs = fc.integer({ min: 1, max: 60 });
const limitMs = fc.integer({ min: 20, max: 400 });
const review: fc.Arbitrary<ReviewSpec> = fc.record({
  acceptable: fc.boolean(),
  feedback: fc.array(fc.constantFrom('shorter', 'kinder'), { maxLength: 2 }),
  score: fc.integer({ min: 0, max: 3 }),
});
const reviews = fc.array(review, { minLength: 1, maxLength: 3 });
const rounds = {
  maxRounds: fc.integer({ min: 1, max: 3 }),
  onFailure: fc.constantFrom('fail' as const, 'continue' as const),
};

const together = { onFailure: fc.constantFrom('fail' as const, 'continue' as const), timeout: limitMs };

const leaf: fc.Arbitrary<Spec> = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 3 }).map((value): Spec => ({ do: 'value', value })) },
  { weight: 4, arbitrary: fc.constantFrom('a', 'b', 'c').map((text): Spec => ({ do: 'note', text })) },
  { weight: 2, arbitrary: fc.constantFrom('a', 'b').map((text): Spec => ({ do: 'effect', text })) },
  { weight: 2, arbitrary: shortMs.map((ms): Spec => ({ do: 'sleep', ms })) },
  { weight: 3, arbitrary: shortMs.map((afterMs): Spec => ({ do: 'fail', message: 'no', afterMs })) },
  { weight: 1, arbitrary: fc.constant<Spec>({ do: 'sleep', ms: 3_600_000 }) },
  {
    weight: 1,
    arbitrary: fc
      .record({ timeout: shortMs, onExpiry: fc.constant({ approved: false }) }, { requiredKeys: ['timeout'] })
      .map((options): Spec => ({ do: 'approval', name: 'ask', options })),
  },
);

const ballot: fc.Arbitrary<Spec> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('yes', 'no', 'perhaps').map((vote): Spec => voted(vote, 0.9)) },
  { weight: 1, arbitrary: leaf.map((value): Spec => ({ do: 'timeout', timeout: 50, body: value })) },
);
function voted(vote: string, confidence: number): Spec {
  return { do: 'value', value: { vote, confidence, reason: 'because' } };
}

/** Named in the order they stand in, so that names are unique. */
const named = <T>(values: readonly T[]): Record<string, T> =>
  Object.fromEntries(values.map((value, index) => [`step${index}`, value]));

interface RandomStep extends Omit<DagSpecStep, 'after'> {
  /** Any numbers; each stands for an earlier step, if there is one. */
  before: number[];
}

function dagStep(inner: fc.Arbitrary<Spec>): fc.Arbitrary<RandomStep> {
  return fc.record(
    {
      body: inner,
      before: fc.uniqueArray(fc.integer({ min: 0, max: 3 }), { maxLength: 2 }),
      needs: fc.constantFrom('completed' as const, 'ended' as const),
      when: fc.constantFrom(true, true, false),
      fails: fc.integer({ min: 0, max: 2 }),
      retry: fc.record({ attempts: fc.integer({ min: 1, max: 3 }), delay: shortMs }),
      timeout: limitMs,
      fallback: inner,
    },
    { requiredKeys: ['body', 'before'] },
  );
}

function afterEarlierOnes({ before, ...step }: RandomStep, index: number): DagSpecStep {
  return { ...step, after: before.filter((other) => other < index).map((other) => `step${other}`) };
}

const { spec } = fc.letrec<{ spec: Spec }>((tie) => {
  const inner = tie('spec');
  const several = fc.array(inner, { minLength: 1, maxLength: 4 });
  const pair = fc.array(inner, { minLength: 2, maxLength: 2 });
  return {
    spec: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      leaf,
      fc.record({ text: fc.constantFrom('x', 'y'), body: inner }).map((it): Spec => ({ do: 'watch', ...it })),
      fc
        .record({
          branches: fc.array(inner, { maxLength: 4 }),
          options: fc.record({
            onFailure: fc.constantFrom('fail' as const, 'continue' as const),
            concurrency: fc.integer({ min: 1, max: 4 }),
            branchTimeout: limitMs,
            minimum: fc.constant(0),
          }),
        })
        .map((it): Spec => ({ do: 'parallel', ...it })),
      fc
        .record({
          texts: fc.array(fc.constantFrom('p', 'q'), { maxLength: 5 }),
          body: fc.option(inner, { nil: undefined }),
          onFailure: fc.constantFrom('fail' as const, 'continue' as const),
          timeout: fc.integer({ min: 20, max: 1_500 }),
        })
        .map(({ body, ...it }): Spec => ({ do: 'map', ...it, ...(body && { body }) })),
      several.map((steps): Spec => ({ do: 'race', branches: named(steps), timeout: 300 })),
      fc.record({ attempts: several, after: limitMs, timeout: limitMs }).map((it): Spec => ({ do: 'hedge', ...it })),
      several.map((steps): Spec => ({ do: 'fallback', ways: named(steps) })),
      fc.record({ timeout: limitMs, body: inner }).map((it): Spec => ({ do: 'timeout', ...it })),
      fc
        .record({ sleepsMs: fc.array(shortMs, { minLength: 1, maxLength: 3 }), rounds: fc.integer({ min: 1, max: 2 }) })
        .map((it): Spec => ({ do: 'barrier', ...it, timeout: 500 })),
      fc
        .record({ bodies: several, undo: fc.boolean(), settle: fc.boolean(), timeout: limitMs })
        .map(({ bodies, undo, ...it }): Spec => {
          const steps = bodies.map((body, index) => ({
            name: `step${index}`,
            body,
            ...(undo && { undo: { fails: index } }),
          }));
          return { do: 'sequential', steps, ...it };
        }),
      fc
        .record({
          steps: fc.array(dagStep(inner), { minLength: 1, maxLength: 4 }),
          onFailure: fc.constantFrom('fail' as const, 'continue' as const),
          concurrency: fc.integer({ min: 1, max: 3 }),
          timeout: limitMs,
        })
        .map(({ steps, ...it }): Spec => ({ do: 'dag', ...it, steps: named(steps.map(afterEarlierOnes)) })),
      fc
        .record({
          input: fc.record({ level: fc.integer({ min: 0, max: 2 }) }),
          rules: fc.array(
            fc.constantFrom('input.level > 1', 'input.levels > 1').map((when) => ({ when, to: 'step0' })),
            {
              maxLength: 2,
            },
          ),
          classify: fc.oneof(
            fc
              .record({
                label: fc.constantFrom('step0', 'none'),
                confidence: fc.double({ min: 0, max: 1, noNaN: true }),
              })
              .map((value): Spec => ({ do: 'value', value })),
            fc.constant<Spec>({ do: 'fail', message: 'no' }),
          ),
          routes: several.map(named),
          fallback: inner,
          onFailure: fc.constantFrom('fail' as const, 'fallback' as const),
          timeout: limitMs,
        })
        .map((it): Spec => ({ do: 'route', ...it })),
      fc.record({ drafts: several, reviews, timeout: limitMs, ...rounds }).map((it): Spec => ({ do: 'refine', ...it })),
      fc
        .record({ outputs: several, until: fc.integer({ min: 0, max: 3 }), delay: shortMs, ...rounds })
        .map((it): Spec => ({ do: 'repeat', ...it })),
      fc
        .record({ drafts: several, reviews, escalate: several.map(named), timeout: limitMs })
        .map((it): Spec => ({ do: 'supervise', ...it, onFailure: 'escalate' })),
      fc
        .record({
          voters: fc.array(ballot, { minLength: 2, maxLength: 4 }).map(named),
          rule: fc.constantFrom('majority' as const, 'unanimous' as const, 'calibrated' as const),
          quorum: fc.integer({ min: 1, max: 2 }),
          timeout: limitMs,
        })
        .map((it): Spec => ({ do: 'ensemble', ...it, options: ['yes', 'no'] })),
      fc
        .record({ name: fc.constantFrom('paid', 'never'), timeout: limitMs })
        .map((it): Spec => ({ do: 'event', ...it })),
      shortMs.map((inMs): Spec => ({ do: 'sleepUntil', inMs })),
      fc
        .record({
          rounds: several,
          times: fc.integer({ min: 1, max: 3 }),
          onFailure: fc.constantFrom('fail' as const, 'continue' as const),
        })
        .map((it): Spec => ({ do: 'every', every: 40, ...it })),
      inner.map((body): Spec => ({ do: 'budget', body })),
      fc.integer({ min: 0, max: 3 }).map((n): Spec => ({ do: 'decide', n })),
      fc
        .array(fc.constantFrom('l', 'm'), { minLength: 1, maxLength: 3 })
        .map((texts): Spec => ({ do: 'planned', texts })),
      fc.record({ body: inner, rounds: fc.integer({ min: 1, max: 2 }) }).map((it): Spec => ({ do: 'looped', ...it })),
      fc.record({ body: inner, undo: leaf }).map((it): Spec => ({ do: 'saga', ...it })),
      fc
        .record({ peers: pair, to: fc.array(fc.constantFrom('peer0', 'peer1', null), { maxLength: 2 }), ...together })
        .map((it): Spec => ({ do: 'handoff', ...it, maxTurns: 4 })),
      fc
        .record({ peers: pair, doneAfter: fc.integer({ min: 1, max: 3 }), ...together })
        .map((it): Spec => ({ do: 'mesh', ...it, maxRounds: 2 })),
      fc.record({ sides: pair, judge: inner, ...together }).map((it): Spec => ({ do: 'debate', ...it, rounds: 1 })),
      fc
        .record({
          posts: pair,
          costs: fc.array(fc.constantFrom(5, 50, 500), { maxLength: 2 }),
          person: leaf,
          ...together,
        })
        .map((it): Spec => ({ do: 'hierarchy', ...it })),
    ),
  };
});

/** @param seed the same compositions for the same seed */
export function randomSpecs(seed: number, count: number): Spec[] {
  return fc.sample(spec, { seed, numRuns: count });
}

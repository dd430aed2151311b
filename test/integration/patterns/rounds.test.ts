import { describe, expect, it } from 'vitest';
import { aCase, usePatternsStack } from './patternsStack.js';
import type { ReviewSpec, Spec } from './project/spec.js';
import { notesOf } from './project/tools.js';

const stack = usePatternsStack();
const value = (of: unknown): Spec => ({ do: 'value', value: of });
const failing: Spec = { do: 'fail', message: 'no' };
const forever: Spec = { do: 'sleep', ms: 3_600_000 };
const accepted: ReviewSpec = { acceptable: true, feedback: [] };
const refused = (feedback: string, score?: number): ReviewSpec => ({
  acceptable: false,
  feedback: [feedback],
  ...(score !== undefined && { score }),
});
const drafts = [value('first'), value('second'), value('third'), value('fourth')];

describe('refine', () => {
  it('writes again with the feedback until the reviewer accepts', async () => {
    const name = aCase();
    const spec: Spec = { do: 'refine', drafts, reviews: [refused('shorter'), accepted] };
    expect(await stack().run(spec, name)).toEqual({ draft: 'second', acceptable: true, rounds: 2, stopped: 'met' });
    expect(notesOf(name)).toEqual(['draft with nothing', 'draft with shorter']);
  });

  it('gives the best draft by score when none was accepted', async () => {
    const reviews = [refused('a', 0.4), refused('b', 0.9), refused('c', 0.5)];
    expect(await stack().run({ do: 'refine', drafts, reviews })).toEqual({
      draft: 'second',
      acceptable: false,
      rounds: 3,
      stopped: 'rounds',
    });
  });

  it('gives the last draft when the reviewer gives no scores', async () => {
    expect(await stack().run({ do: 'refine', drafts, reviews: [refused('a')] })).toMatchObject({
      draft: 'third',
      acceptable: false,
    });
  });

  it('stops when drafts no longer get better', async () => {
    const reviews = [refused('a', 0.4), refused('b', 0.6), refused('c', 0.6), refused('d', 0.1), accepted];
    const spec: Spec = { do: 'refine', drafts, reviews, maxRounds: 9, patience: 2 };
    expect(await stack().run(spec)).toEqual({ draft: 'third', acceptable: false, rounds: 4, stopped: 'noImprovement' });
  });

  it('keeps the best draft at its deadline, and cancels the round under way', async () => {
    const name = aCase();
    const slow: Spec = { do: 'watch', body: forever, text: 'the second draft' };
    const spec: Spec = { do: 'refine', drafts: [value('first'), slow], reviews: [refused('a')], timeout: 500 };
    expect(await stack().run(spec, name)).toMatchObject({ draft: 'first', rounds: 1, stopped: 'deadline' });
    expect(notesOf(name)).toContain('the second draft was cancelled');
  });

  it('without a draft at its deadline fails', async () => {
    const failure = await stack().failure({ do: 'refine', drafts: [forever], reviews: [accepted], timeout: 200 });
    expect(failure).toMatchObject({ type: 'Step.DeadlineExceeded', details: { step: 'refine#1' } });
  });

  it('fails with its writer, or keeps the best draft when it is to go on', async () => {
    const spec: Spec = { do: 'refine', drafts: [value('first'), failing], reviews: [refused('a')] };
    expect(await stack().failure(spec)).toMatchObject({ type: 'Tool.Failed', message: 'no' });
    expect(await stack().run({ ...spec, onFailure: 'continue' })).toMatchObject({ draft: 'first', stopped: 'failed' });
    expect(await stack().failure({ ...spec, drafts: [failing], onFailure: 'continue' })).toMatchObject({
      type: 'Tool.Failed',
    });
  });

  it('refuses bounds that are none, before anything runs', async () => {
    const name = aCase();
    const spec: Spec = { do: 'refine', drafts, reviews: [accepted], maxRounds: 0, patience: -1 };
    expect(await stack().failure(spec, name)).toMatchObject({
      type: 'Pattern.InvalidSteps',
      message: 'refine: maxRounds: 0 is no positive number; patience: -1 is no positive number',
    });
    expect(notesOf(name)).toEqual([]);
  });
});

describe('repeatUntil', () => {
  const outputs = [value(3), value(7), value(5), value('ready')];

  it('runs until the output is what is wanted', async () => {
    const spec: Spec = { do: 'repeat', outputs, until: 'ready', maxRounds: 9, delay: 10, backoff: 2 };
    expect(await stack().run(spec)).toEqual({ output: 'ready', met: true, rounds: 4, stopped: 'met' });
  });

  it('gives the best output when its rounds are used up', async () => {
    const spec: Spec = { do: 'repeat', outputs, until: 'ready', maxRounds: 3, scored: true };
    expect(await stack().run(spec)).toEqual({ output: 7, met: false, rounds: 3, stopped: 'rounds' });
  });

  it('does not wait beyond its deadline', async () => {
    const spec: Spec = { do: 'repeat', outputs, until: 'ready', maxRounds: 9, delay: '1h', timeout: '1m' };
    expect(await stack().run(spec)).toEqual({ output: 3, met: false, rounds: 1, stopped: 'deadline' });
  });
});

describe('supervise', () => {
  const person = value('by hand');

  it('takes the draft the reviewer accepts', async () => {
    const spec: Spec = { do: 'supervise', drafts, reviews: [refused('kinder'), accepted], escalate: { person } };
    expect(await stack().run(spec)).toMatchObject({ output: 'second', by: 'worker', reviewed: true, rounds: 2 });
  });

  it('goes up level by level after three rounds, and tells each what was tried', async () => {
    const name = aCase();
    const spec: Spec = {
      do: 'supervise',
      drafts,
      reviews: [refused('no')],
      escalate: { senior: value('better'), person },
    };
    expect(await stack().run(spec, name)).toMatchObject({
      output: 'by hand',
      by: 'person',
      reviewed: false,
      rounds: 3,
    });
    const told = notesOf(name).filter((text) => text.includes(' gets '));
    expect(told[0]).toBe(
      `senior gets ${JSON.stringify({ reviews: Array(3).fill(refused('no')) as unknown, draft: 'third' })}`,
    );
    expect(told[1]).toMatch(/^person gets .*"draft":"better"/u);
  });

  it('stops at a level whose draft the reviewer accepts', async () => {
    const reviews = [refused('no'), refused('no'), refused('no'), accepted];
    const spec: Spec = { do: 'supervise', drafts, reviews, escalate: { senior: value('better'), person } };
    expect(await stack().run(spec)).toMatchObject({ output: 'better', by: 'senior', reviewed: true });
  });

  it('fails with the worker, or passes its task on when told so', async () => {
    const spec: Spec = { do: 'supervise', drafts: [failing], reviews: [accepted], escalate: { person } };
    expect(await stack().failure(spec)).toMatchObject({ type: 'Tool.Failed' });
    expect(await stack().run({ ...spec, onFailure: 'escalate' })).toMatchObject({ by: 'person', rounds: 1 });
    expect(await stack().failure({ ...spec, onFailure: 'escalate', escalate: { senior: failing } })).toMatchObject({
      type: 'Tool.Failed',
    });
  });

  it('has a time limit', async () => {
    const spec: Spec = { do: 'supervise', drafts: [forever], reviews: [accepted], escalate: { person }, timeout: 200 };
    expect(await stack().failure(spec)).toMatchObject({ type: 'Step.DeadlineExceeded' });
  });

  it('refuses to stand without anybody above', async () => {
    const failure = await stack().failure({
      do: 'supervise',
      drafts,
      reviews: [accepted],
      escalate: {},
      maxRounds: 101,
    });
    expect(failure).toMatchObject({ type: 'Pattern.InvalidSteps' });
    expect(failure.message).toContain('maxRounds: 101');
    expect(failure.message).toContain('at least one level');
  });
});

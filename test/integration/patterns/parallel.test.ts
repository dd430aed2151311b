import { describe, expect, it, vi } from 'vitest';
import { aCase, usePatternsStack } from './patternsStack.js';
import { notesOf } from './project/tools.js';
import type { Spec } from './project/spec.js';

const stack = usePatternsStack();
const value = (of: unknown): Spec => ({ do: 'value', value: of });
const sleep = (ms: number, of: unknown = ms): Spec => ({ do: 'sleep', ms, value: of });
const failing = (message: string, afterMs = 1): Spec => ({ do: 'fail', message, afterMs });
const forever = sleep(3_600_000);
/** What was cancelled and not waited for can tell of it while the run goes on. */
const besideASleep = (spec: Spec): Spec => ({ do: 'parallel', branches: [spec, sleep(1_500, 'slept')] });
const watched = (text: string): Spec => ({ do: 'watch', text, body: forever });

describe('parallel', () => {
  it('gives back the shape it was given', async () => {
    const { run } = stack();
    expect(await run({ do: 'parallel', branches: { b: sleep(20, 'late'), a: value(1) } })).toEqual({ b: 'late', a: 1 });
    expect(await run({ do: 'parallel', branches: [sleep(20, 'late'), value(2)] })).toEqual(['late', 2]);
    expect(await run({ do: 'parallel', branches: [] })).toEqual([]);
  });

  it('cancels the others at the first failure, waits for their end and throws it', async () => {
    const name = aCase();
    const failure = await stack().failure(
      { do: 'parallel', branches: { bad: failing('no'), one: watched('one'), two: watched('two') } },
      name,
    );
    expect(failure).toMatchObject({ type: 'Tool.Failed', message: 'no' });
    expect(notesOf(name).sort()).toEqual(['one was cancelled', 'two was cancelled']);
  });

  it('with onFailure continue says of every branch what became of it', async () => {
    const results = (await stack().run({
      do: 'parallel',
      branches: { bad: failing('no'), good: sleep(30, 'yes') },
      options: { onFailure: 'continue' },
    })) as Record<string, { startedAt: string; durationMs: number }>;
    expect(results).toMatchObject({
      bad: { status: 'failed', error: { type: 'Tool.Failed', message: 'no' }, attempts: 1 },
      good: { status: 'completed', output: 'yes', usage: { inputTokens: 0, outputTokens: 0, costUsd: 0 } },
    });
    expect(results['good']!.durationMs).toBeGreaterThanOrEqual(30);
    expect(Date.parse(results['good']!.startedAt)).toBeGreaterThan(Date.now() - 60_000);
  });

  it('keeps what has completed at the deadline', async () => {
    const name = aCase();
    const results = await stack().run(
      {
        do: 'parallel',
        branches: { quick: value(1), slow: watched('slow'), waiting: value(2) },
        options: { onFailure: 'continue', timeout: 200, concurrency: 1 },
      },
      name,
    );
    const late = { type: 'Step.DeadlineExceeded' };
    expect(results).toMatchObject({
      quick: { status: 'completed', output: 1 },
      slow: { status: 'failed', error: late },
      waiting: { status: 'skipped', error: late },
    });
    expect(notesOf(name)).toEqual(['slow was cancelled']);
  });

  it('fails at its deadline, and with a branch’s own', async () => {
    const { failure } = stack();
    const late = { type: 'Step.DeadlineExceeded' };
    expect(await failure({ do: 'parallel', branches: [forever], options: { timeout: 50 } })).toMatchObject(late);
    expect(await failure({ do: 'parallel', branches: [forever], options: { branchTimeout: 50 } })).toMatchObject({
      ...late,
      details: { step: 'parallel#1/0' },
    });
  });

  it('ends early when too few can still complete, and names the failed ones', async () => {
    const name = aCase();
    const failure = await stack().failure(
      {
        do: 'parallel',
        branches: { a: failing('first'), b: failing('second'), c: watched('c') },
        options: { onFailure: 'continue', minimum: 2 },
      },
      name,
    );
    expect(failure.type).toBe('Pattern.TooFew');
    expect(failure.message).toContain('0 of at least 2');
    expect(failure.message).toContain('a: Tool.Failed: first');
    expect(notesOf(name)).toEqual(['c was cancelled']);
  });

  it('runs no more at once than it may', async () => {
    const tenTimes = Array.from({ length: 10 }, (_, index) => sleep(100, index));
    const startedAt = Date.now();
    const results = (await stack().run({
      do: 'parallel',
      branches: tenTimes,
      options: { onFailure: 'continue', concurrency: 2 },
    })) as { startedAt: string; durationMs: number }[];
    const spans = results.map((result) => [
      Date.parse(result.startedAt),
      Date.parse(result.startedAt) + result.durationMs,
    ]);
    for (const [from = 0] of spans) {
      const beside = spans.filter(([begun = 0, ended = 0]) => begun <= from && from < ended);
      expect(beside.length).toBeLessThanOrEqual(2);
    }
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(500);
  });

  it.each([
    [{ concurrency: 0 }, 'concurrency'],
    [{ onFailure: 'continue', minimum: 2 }, 'minimum'],
    [{ timeout: '5m', branchTimeout: 'soon' }, 'branchTimeout: soon is no duration'],
  ] as const)('refuses %j before anything runs', async (options, named) => {
    const name = aCase();
    const spec = { do: 'parallel', branches: [{ do: 'note', text: 'ran' }], options } as unknown as Spec;
    const failure = await stack().failure(spec, name);
    expect(failure).toMatchObject({ type: 'Pattern.InvalidSteps', message: expect.stringContaining(named) as string });
    expect(notesOf(name)).toEqual([]);
  });

  it('refuses a step whose place is too long for a key, before it runs', async () => {
    const name = aCase();
    const nested = (depth: number): Spec =>
      depth === 0 ? { do: 'note', text: 'ran' } : { do: 'parallel', branches: { deeper: nested(depth - 1) } };
    expect(await stack().run(nested(20), name)).toHaveProperty('deeper');
    const failure = await stack().failure(nested(60), name);
    expect(failure).toMatchObject({ type: 'Pattern.InvalidSteps', message: expect.stringContaining('600') as string });
    expect(notesOf(name)).toEqual(['ran']);
  });

  it('runs 2,000 branches', async () => {
    const branches = Array.from({ length: 2_000 }, (_, index) => value(index));
    expect(await stack().run({ do: 'parallel', branches })).toHaveLength(2_000);
  });

  it('passes the cancellation of the run on, and nothing of it goes on', async () => {
    const { client } = stack();
    const name = aCase();
    const run = await stack().start(
      { do: 'parallel', branches: { a: watched('a'), b: { do: 'parallel', branches: { c: watched('c') } } } },
      name,
    );
    await vi.waitFor(async () => {
      const { events } = await client.temporal.workflow.getHandle(run.id).fetchHistory();
      expect(events?.filter((event) => event.timerStartedEventAttributes)).toHaveLength(2);
    });
    await run.cancel();
    await expect(run.result()).rejects.toMatchObject({ type: 'Run.Cancelled' });
    expect(notesOf(name).sort()).toEqual(['a was cancelled', 'c was cancelled']);
  });

  it('takes a plain error for a bug: the run is stuck, not failed', async () => {
    const { client } = stack();
    const run = await stack().start({ do: 'parallel', branches: { bug: { do: 'bug' }, other: forever } });
    await vi.waitFor(
      async () => {
        const { status, stuck } = await client.show(run.id);
        expect([status, stuck]).toEqual(['running', expect.stringContaining('workflow task has failed') as string]);
      },
      { timeout: 30_000, interval: 200 },
    );
    await client.temporal.workflow.getHandle(run.id).terminate();
  });
});

describe('race', () => {
  it('keeps the first output and cancels the losers', async () => {
    const name = aCase();
    const branches = { slow: watched('slow'), fast: sleep(20, 'won'), bad: failing('no') };
    const result = await stack().run(besideASleep({ do: 'race', branches }), name);
    expect(result).toEqual([{ winner: 'fast', output: 'won' }, 'slept']);
    expect(notesOf(name)).toEqual(['slow was cancelled']);
  });

  it('fails with the first failure when all fail, and at its deadline', async () => {
    const { failure } = stack();
    expect(await failure({ do: 'race', branches: { a: failing('later', 60), b: failing('first') } })).toMatchObject({
      message: 'first',
    });
    expect(await failure({ do: 'race', branches: { a: forever }, timeout: 50 })).toMatchObject({
      type: 'Step.DeadlineExceeded',
    });
    expect(await failure({ do: 'race', branches: {} })).toMatchObject({ type: 'Pattern.InvalidSteps' });
  });
});

describe('hedge', () => {
  it('starts nothing beside an attempt that answers in time', async () => {
    const { run } = stack();
    expect(await run({ do: 'hedge', attempts: [value('a'), value('b')], after: '10s' })).toEqual({
      output: 'a',
      attempt: 1,
      started: 1,
    });
  });

  it('starts a second attempt beside a slow one, keeps the first answer and cancels the other', async () => {
    const name = aCase();
    const spec: Spec = { do: 'hedge', attempts: [watched('first'), value('b')], after: 50 };
    const result = await stack().run(besideASleep(spec), name);
    expect(result).toEqual([{ output: 'b', attempt: 2, started: 2 }, 'slept']);
    expect(notesOf(name)).toEqual(['first was cancelled']);
  });

  it('starts the next attempt at once when one fails, and fails with the first failure', async () => {
    const { run, failure } = stack();
    const attempts = [failing('one'), value('b')];
    expect(await run({ do: 'hedge', attempts, after: '1h' })).toMatchObject({ output: 'b', attempt: 2 });
    const bad = [failing('one'), failing('two'), failing('three')];
    expect(await failure({ do: 'hedge', attempts: bad, after: '1h' })).toMatchObject({ message: 'one' });
    expect(await failure({ do: 'hedge', attempts: [forever, forever], after: 20, timeout: 100 })).toMatchObject({
      type: 'Step.DeadlineExceeded',
    });
  });
});

describe('withFallback', () => {
  it('uses the first way that works, and tells why the ones before did not', async () => {
    const ways = { full: failing('too much'), small: value('less') };
    expect(await stack().run({ do: 'fallback', ways })).toMatchObject({
      used: 'small',
      output: 'less',
      errors: [{ type: 'Tool.Failed', message: 'too much' }],
    });
  });

  it('throws the first failure when no way works, with the others in its message', async () => {
    const ways = { full: failing('first'), small: failing('second') };
    const failure = await stack().failure({ do: 'fallback', ways });
    expect(failure).toMatchObject({ type: 'Tool.Failed', message: 'first\nthen small: Tool.Failed: second' });
  });

  it('does not fall back from a failure it was not meant for', async () => {
    const ways = { full: failing('first'), small: value('less') };
    const failure = await stack().failure({ do: 'fallback', ways, onlyWhen: 'Model.Refused' });
    expect(failure).toMatchObject({ message: 'first' });
  });
});

describe('withTimeout', () => {
  it('gives the output in time, and cancels what takes longer', async () => {
    const name = aCase();
    const { run, failure } = stack();
    expect(await run({ do: 'timeout', timeout: '10s', body: value(1) })).toBe(1);
    const late = await failure({ do: 'timeout', timeout: 50, body: watched('it') }, name);
    expect(late).toMatchObject({ type: 'Step.DeadlineExceeded', details: { step: 'withTimeout#1' } });
    expect(notesOf(name)).toEqual(['it was cancelled']);
  });
});

describe('barrier', () => {
  it('lets nobody pass before all have come, in every round', async () => {
    const passed = (await stack().run({
      do: 'barrier',
      sleepsMs: [1, 40, 80],
      rounds: 2,
      timeout: '10s',
    })) as string[];
    for (const round of [1, 2]) {
      const lastComes = Math.max(...[0, 1, 2].map((party) => passed.indexOf(`${party} comes to ${round}`)));
      const firstPasses = Math.min(...[0, 1, 2].map((party) => passed.indexOf(`${party} passes ${round}`)));
      expect(lastComes).toBeLessThan(firstPasses);
    }
    expect(passed).toHaveLength(12);
  });

  it('is broken for all when somebody does not come', async () => {
    const failure = await stack().failure({ do: 'barrier', sleepsMs: [1, 1], rounds: 1, timeout: 60, parties: 3 });
    expect(failure).toMatchObject({ type: 'Step.DeadlineExceeded' });
    expect(failure.message).toContain('2 of 3 parties');
  });

  it('does not count a party that has left', async () => {
    const spec: Spec = { do: 'barrier', sleepsMs: [1, 2_500], rounds: 1, timeout: 400, leavesAfterMs: [100, null] };
    const failure = await stack().failure(spec);
    expect(failure).toMatchObject({ type: 'Step.DeadlineExceeded' });
    expect(failure.message).toContain('1 of 2 parties');
  });
});

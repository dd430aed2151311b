import { describe, expect, it, vi } from 'vitest';
import type { StepResult } from '../../../core/results.js';
import { progressQueryName } from '../../../core/contracts.js';
import { aCase, usePatternsStack } from './patternsStack.js';
import { notesOf } from './project/tools.js';
import type { DagSpecStep, Spec } from './project/spec.js';

const stack = usePatternsStack();
const value = (of: unknown): Spec => ({ do: 'value', value: of });
const failing: Spec = { do: 'fail', message: 'no' };
const forever: Spec = { do: 'sleep', ms: 3_600_000 };
const watched = (text: string): Spec => ({ do: 'watch', text, body: forever });
const step = (of: unknown, ...after: string[]): DagSpecStep => ({ body: value(of), after });

interface Result {
  status: string;
  output: Record<string, unknown>;
  steps: Record<string, StepResult>;
  failedStep?: string;
  error?: { type: string; message: string };
}

const statuses = ({ steps }: Result): Record<string, string> =>
  Object.fromEntries(Object.entries(steps).map(([name, { status }]) => [name, status]));

describe('dag', () => {
  it('runs each step after those it comes after, and hands it their outputs', async () => {
    const name = aCase();
    const steps = {
      report: { ...step(0, 'facts', 'risks'), tellsOutputs: true },
      facts: step({ revenue: 1 }),
      risks: step(['one'], 'facts'),
      aside: step('aside'),
    };
    expect(await stack().run({ do: 'dag', steps }, name)).toEqual({
      report: { facts: { revenue: 1 }, risks: ['one'] },
      facts: { revenue: 1 },
      risks: ['one'],
      aside: 'aside',
    });
    const order = notesOf(name).filter((text) => text !== 'aside');
    expect(order).toEqual(['facts', 'risks', 'report']);
  });

  it('runs at once what does not depend on each other, within the concurrency', async () => {
    const branch: DagSpecStep = { body: { do: 'sleep', ms: 1_000 } };
    const steps = { a: branch, b: branch, c: branch, d: branch };
    const run = await stack().start({ do: 'dag', steps, concurrency: 2 });
    await run.result();
    const { events } = await stack().client.temporal.workflow.getHandle(run.id).fetchHistory();
    const timers = (events ?? []).flatMap(
      ({ timerStartedEventAttributes: started, timerFiredEventAttributes: fired }) =>
        started ? [1] : fired ? [-1] : [],
    );
    let most = 0;
    timers.reduce((now, change) => {
      most = Math.max(most, now + change);
      return now + change;
    }, 0);
    expect(timers.filter((change) => change === 1)).toHaveLength(4);
    expect(most).toBe(2);
  });

  it('fails with the first failure, cancels what runs and does not begin the rest', async () => {
    const name = aCase();
    const steps = {
      slow: { body: watched('slow') },
      bad: { body: { do: 'fail', message: 'no', afterMs: 50 } as Spec },
      never: step(1, 'bad'),
    };
    expect(await stack().failure({ do: 'dag', steps }, name)).toMatchObject({ type: 'Tool.Failed', message: 'no' });
    expect(notesOf(name).sort()).toEqual(['bad', 'slow', 'slow was cancelled']);
  });

  it('goes on without what needs a failed step, when it is told to', async () => {
    const name = aCase();
    const steps: Record<string, DagSpecStep> = {
      bad: { body: failing },
      needsBad: step(1, 'bad'),
      needsThat: step(1, 'needsBad'),
      good: step('good'),
      cleanUp: { ...step(1, 'needsBad', 'good'), needs: 'ended', tellsOutputs: true },
    };
    const result = (await stack().run({ do: 'dag', steps, onFailure: 'continue' }, name)) as Result;
    expect(result).toMatchObject({
      status: 'partial',
      failedStep: 'bad',
      error: { type: 'Tool.Failed', message: 'no' },
      output: { good: 'good', cleanUp: { good: 'good' } },
    });
    expect(statuses(result)).toEqual({
      bad: 'failed',
      needsBad: 'skipped',
      needsThat: 'skipped',
      good: 'completed',
      cleanUp: 'completed',
    });
    expect(result.steps['needsBad']).toMatchObject({
      error: { type: 'Step.Skipped', message: 'bad, which it comes after, failed' },
    });
    expect(notesOf(name).sort()).toEqual(['bad', 'cleanUp', 'good']);
  });

  it('skips a step whose condition is false, and what needs it', async () => {
    const steps: Record<string, DagSpecStep> = {
      a: { ...step('a'), when: true },
      b: { ...step('b', 'a'), when: false },
      c: step('c', 'b'),
      join: { ...step('join', 'a', 'b'), needs: 'ended' },
    };
    expect(await stack().run({ do: 'dag', steps })).toEqual({ a: 'a', join: 'join' });
  });

  it('tries a step again, and falls back when its tries are used up', async () => {
    const name = aCase();
    const steps: Record<string, DagSpecStep> = {
      second: { ...step('second'), fails: 1, retry: { attempts: 3 } },
      never: { ...step('never'), fails: 9, retry: { attempts: 2, delay: 10 }, fallback: value('instead') },
      after: { ...step(0, 'never'), tellsOutputs: true },
      late: { body: watched('late'), timeout: 100, fallback: value('in time') },
    };
    const result = (await stack().run({ do: 'dag', steps, onFailure: 'continue' }, name)) as Result;
    expect(result.output).toEqual({
      second: 'second',
      never: 'instead',
      after: { never: 'instead' },
      late: 'in time',
    });
    expect(result.status).toBe('completed');
    expect(result.steps['second']).toMatchObject({ attempts: 2 });
    expect(result.steps['never']).toMatchObject({
      attempts: 2,
      recoveredFrom: { type: 'Tool.Failed', message: 'never failed' },
    });
    expect(result.steps['late']).toMatchObject({ recoveredFrom: { type: 'Step.DeadlineExceeded' } });
    expect(notesOf(name).sort()).toEqual(
      ['after', 'late', 'late was cancelled', 'never', 'never', 'second', 'second'].sort(),
    );
  });

  it('keeps the failure of the step when its fallback fails, too', async () => {
    const steps = { a: { body: failing, fallback: { do: 'fail', message: 'neither' } as Spec } };
    expect(await stack().failure({ do: 'dag', steps })).toMatchObject({
      type: 'Tool.Failed',
      message: 'no\nthen the fallback: Tool.Failed: neither',
    });
  });

  it('ends at its deadline with what it has', async () => {
    const steps: Record<string, DagSpecStep> = { a: step(1), slow: { body: forever }, never: step(2, 'slow') };
    const result = (await stack().run({ do: 'dag', steps, onFailure: 'continue', timeout: 200 })) as Result;
    expect(statuses(result)).toEqual({ a: 'completed', slow: 'failed', never: 'skipped' });
    expect(result).toMatchObject({ status: 'partial', error: { type: 'Step.DeadlineExceeded' } });
    expect(await stack().failure({ do: 'dag', steps, timeout: 200 })).toMatchObject({ type: 'Step.DeadlineExceeded' });
  });

  it('has not completed when steps are left at its deadline, though what ran then has', async () => {
    const steps: Record<string, DagSpecStep> = {
      a: { body: { do: 'shielded', body: { do: 'sleep', ms: 300 } } },
      b: step(2, 'a'),
    };
    expect(await stack().failure({ do: 'dag', steps, timeout: 50 })).toMatchObject({ type: 'Step.DeadlineExceeded' });
    const result = (await stack().run({ do: 'dag', steps, onFailure: 'continue', timeout: 50 })) as Result;
    expect(statuses(result)).toEqual({ a: 'completed', b: 'skipped' });
    expect(result).toMatchObject({ status: 'partial', failedStep: 'b', error: { type: 'Step.DeadlineExceeded' } });
  });

  it('does not run again what was done before', async () => {
    const name = aCase();
    const steps = { a: step('new'), b: { ...step(0, 'a'), tellsOutputs: true } };
    expect(await stack().run({ do: 'dag', steps, done: { a: 'kept' } }, name)).toEqual({
      a: 'kept',
      b: { a: 'kept' },
    });
    expect(notesOf(name)).toEqual(['b']);
  });

  it('refuses steps that do not fit together, with every fault, before anything runs', async () => {
    const name = aCase();
    const steps: Record<string, DagSpecStep> = {
      a: step(1),
      b: step(1, 'c', 'x'),
      c: { ...step(1, 'b'), retry: { attempts: 0 } },
    };
    const failure = await stack().failure({ do: 'dag', steps, concurrency: 0, done: { y: 1 } }, name);
    expect(failure.type).toBe('Pattern.InvalidSteps');
    expect(failure.message.split('\n').slice(1)).toEqual([
      'concurrency: 0 is no positive number',
      'b: there is no step x',
      'c: a cycle: b → c → b',
      'c: retry.attempts: 0 is not between 1 and 100',
      'done: there is no step y',
    ]);
    expect(notesOf(name)).toEqual([]);
  });

  it('shows how far each step is, and passes the cancellation of the run on', async () => {
    const name = aCase();
    const steps: Record<string, DagSpecStep> = {
      a: step(1),
      b: { ...step(2, 'a'), body: watched('b') },
      c: step(3, 'b'),
    };
    const run = await stack().start({ do: 'dag', steps }, name);
    const handle = stack().client.temporal.workflow.getHandle(run.id);
    await vi.waitFor(async () => {
      expect(await handle.query(progressQueryName)).toEqual({
        'dag#1': {
          pattern: 'dag',
          counts: { completed: 1, pending: 1, running: 1 },
          steps: { a: 'completed', b: 'running', c: 'pending' },
        },
      });
    });
    await vi.waitFor(() => expect(notesOf(name)).toContain('b'));
    await run.cancel();
    await expect(run.result()).rejects.toMatchObject({ type: 'Run.Cancelled' });
    expect(notesOf(name)).toEqual(['a', 'b', 'b was cancelled']);
  });

  it('nests, in itself and in other patterns', async () => {
    const inner: Spec = { do: 'dag', steps: { x: step('x'), y: step('y', 'x') } };
    const steps: Record<string, DagSpecStep> = {
      a: { body: inner },
      b: { body: { do: 'parallel', branches: [inner] } },
    };
    const of = { x: 'x', y: 'y' };
    expect(await stack().run({ do: 'dag', steps })).toEqual({ a: of, b: [of] });
  });
});

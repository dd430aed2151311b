import { describe, expect, it, vi } from 'vitest';
import { turnsPerExecution } from '../../../core/limits.js';
import { error, json, text, toolCalls } from '../../../testing/index.js';
import { aCase, failureOf, useAgentsStack } from './agentsStack.js';
import { callsOf } from './project/tools.js';

const stack = useAgentsStack();
const waitFor = { timeout: 60_000, interval: 100 };

describe('steps of runs', () => {
  it('are numbered for each run anew, though runs share a worker', async () => {
    const { client } = stack();
    const runs = await Promise.all([1, 2, 3].map(() => client.start('noteThrice', { case: aCase() })));
    await Promise.all(runs.map((run) => run.result()));
    for (const run of runs) {
      const { steps } = await client.show(run.id);
      expect(steps.map(({ path }) => path).sort()).toEqual(['note#1', 'parallel#1/a/note#1', 'parallel#1/b/note#1']);
    }
  });

  it('that fail in the workflow task go on outside of it, and end after five attempts or the caller’s number', async () => {
    const { client } = stack();
    const [five, two] = [aCase(), aCase()];
    const runs = [
      await client.start('tryFlaky', { case: five }),
      await client.start('tryFlaky', { case: two, maxAttempts: 2 }),
    ];
    const failures = await Promise.all(runs.map((run) => failureOf(run.result())));
    for (const failure of failures)
      expect(failure).toMatchObject({ type: 'Tool.Failed', details: { step: 'flaky#1' } });
    expect([callsOf(five).length, callsOf(two).length]).toEqual([5, 2]);
    expect((await client.show(runs[0]!.id)).steps).toMatchObject([{ path: 'flaky#1', state: 'failed', attempts: 5 }]);
  });

  it('beside a failed branch are cancelled, and the run fails with the branch’s step', async () => {
    const { client } = stack();
    const run = await client.start('failBeside', { case: aCase() });
    const step = 'parallel#1/pays/charge#1';
    expect(await failureOf(run.result())).toMatchObject({ type: 'Tool.OutcomeUnknown', details: { step } });
  });
});

describe('a retry', () => {
  it('reuses what a long agent did in a workflow of its own', async () => {
    const { client } = stack();
    const name = aCase();
    const turns = turnsPerExecution + 2;
    stack().script(name, (_, call) => {
      if (call < turns) return toolCalls([{ name: 'note', arguments: { case: name, text: String(call) } }]);
      return call === turns ? error(400) : json({ answer: '42' });
    });
    const failed = await client.start('solve', { case: name });
    expect(await failureOf(failed.result())).toMatchObject({ type: 'Model.BadRequest' });
    const retried = await client.retry(failed.id);
    expect(await retried.result()).toEqual({ answer: '42' });
    expect(stack().requestsOf(name)).toHaveLength(turns + 1);
    expect(callsOf(name)).toHaveLength(turns - 1);
    const again = (await client.show(retried.id)).steps.filter(({ attempts }) => attempts > 0);
    expect(again.map(({ path }) => path)).toEqual([`solver#1/turn#${turns}`]);
  });

  it('takes nothing of its predecessor for a child or for a further execution, whose paths are others', async () => {
    const { client } = stack();
    const name = aCase();
    const failed = await client.start('failAfterNote', { case: name });
    await failureOf(failed.result());
    expect(callsOf(name)).toEqual(['same']);
    const retried = await client.retry(failed.id);
    expect(await retried.result()).toEqual(['same is number 1', 'same is number 2', 'same is number 3']);
    expect(callsOf(name)).toHaveLength(3);
    const listed = (await client.list({ limit: 1_000 })).filter(({ id }) => id === failed.id);
    expect(listed.map(({ status }) => status)).toEqual(['completed', 'failed']);
    // The executions before the last one are part of the run, the run that was retried is not.
    const { steps, startedAt } = await client.show(failed.id);
    expect(steps.map(({ attempts }) => attempts)).toEqual([0, 1, 1]);
    expect(startedAt).toBe(listed[0]?.startedAt);
    expect(steps.every((step) => step.startedAt >= startedAt)).toBe(true);
  });
});

describe('dependencies of a run', () => {
  it('reach tools, prompts and child workflows', async () => {
    const name = aCase();
    stack().script(name, [toolCalls([{ name: 'whoAmI', arguments: { case: name, text: ' asks' } }]), text('served')]);
    const { client } = stack();
    const run = await client.start('serve', { case: name }, { deps: { user: 'Ada' } });
    expect(await run.result()).toEqual(['Ada here', 'served', 'Ada in a child']);
    const [, last] = stack().requestsOf(name);
    expect(last?.messages[0]?.content).toBe('You act for Ada.');
    expect(last?.messages.at(-1)?.content).toBe('Ada asks');
    const { steps } = await client.show(run.id);
    expect(steps).toHaveLength(5);
  });

  it('that were not given fail the run, and say who needs them', async () => {
    const run = await stack().client.start('serveAtLength', { case: aCase() });
    const failure = await failureOf(run.result());
    expect(failure).toMatchObject({ type: 'Deps.Missing', details: { step: 'clerk#1/turn#1' } });
    expect(failure.message).toContain('agent clerk');
  });
});

describe('a run with an input and results of a megabyte', () => {
  it('carries them past its history, and both are read back', async () => {
    const { client } = stack();
    const run = await client.start('enlargeText', { text: 'x'.repeat(1_000_000), times: 1 });
    const result = (await run.result()) as { text: string };
    expect(result.text).toHaveLength(1_000_000);
    const { historySize } = await client.temporal.workflow.getHandle(run.id).describe();
    expect(historySize).toBeLessThan(20_000);
  });
});

describe('a client', () => {
  it('attaches to a run in progress with the same input, and is refused with another', async () => {
    const { client } = stack();
    const id = `test-${aCase()}`;
    const first = await client.start('waitForever', { a: 1 }, { id });
    const second = await client.start('waitForever', { a: 1 }, { id });
    expect([first.attached, second.attached, second.runId]).toEqual([false, true, first.runId]);
    expect(await failureOf(client.start('waitForever', { a: 2 }, { id }))).toMatchObject({ type: 'Run.Conflict' });
    expect(await failureOf(client.start('noteThrice', { a: 1 }, { id }))).toMatchObject({ type: 'Run.Conflict' });
    await first.cancel();
    expect(await failureOf(second.result())).toMatchObject({ type: 'Run.Cancelled' });
    expect((await client.get(id)).runId).toBe(first.runId);
  });

  it('is told of a run that does not exist', async () => {
    const { client } = stack();
    expect(await failureOf(client.get('no-such-run'))).toMatchObject({ type: 'Run.Unknown' });
    expect(await failureOf(client.show('no-such-run'))).toMatchObject({ type: 'Run.Unknown' });
  });

  it('gets the failure of a run by its type, with the step, from another client too', async () => {
    const { client } = stack();
    const run = await client.start('failOnPurpose', {});
    const expected = {
      type: 'Run.InvalidInput',
      message: 'nothing will do',
      details: { run: run.id, step: 'nowhere#1' },
    };
    expect(await failureOf(run.result())).toMatchObject(expected);
    expect(await failureOf((await client.get(run.id)).result())).toMatchObject(expected);
  });

  it('gets the time limit and the end of a run as what they are', async () => {
    const { client } = stack();
    const late = await client.start('waitForever', {}, { timeoutMs: 1_000 });
    expect(await failureOf(late.result())).toMatchObject({ type: 'Run.TimedOut' });
    const ended = await client.start('waitForever', {});
    await client.temporal.workflow.getHandle(ended.id).terminate('enough');
    expect(await failureOf(ended.result())).toMatchObject({ type: 'Run.Terminated' });
    expect(await client.show(ended.id)).toMatchObject({ status: 'terminated', error: { type: 'Run.Terminated' } });
  });
});

describe('a workflow that throws a plain error', () => {
  it('is not failed but stuck, and shown as such', async () => {
    const { client } = stack();
    const run = await client.start('throwPlainError', {});
    await vi.waitFor(async () => {
      const { status, stuck } = await client.show(run.id);
      expect({ status, stuck }).toEqual({
        status: 'running',
        stuck: expect.stringContaining('workflow task') as string,
      });
    }, waitFor);
    await client.temporal.workflow.getHandle(run.id).terminate();
  });
});

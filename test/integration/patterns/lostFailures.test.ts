import { describe, expect, it, vi } from 'vitest';
import { aCase, usePatternsStack } from './patternsStack.js';
import { notesOf } from './project/tools.js';
import type { Spec } from './project/spec.js';

const stack = usePatternsStack();
const failing: Spec = { do: 'fail', message: 'no' };
const forever: Spec = { do: 'sleep', ms: 3_600_000 };
const child = (spec: Spec): Spec => ({ do: 'child', spec });
const note: Spec = { do: 'note', text: 'went on' };
const goingOn = (one: Spec): Spec => ({
  do: 'parallel',
  branches: {
    one,
    other: {
      do: 'sequential',
      steps: [
        { name: 'first', body: { do: 'sleep', ms: 400 } },
        { name: 'last', body: note },
      ],
    },
  },
  options: { onFailure: 'continue' },
});

/** The id of the first child workflow that the run has started. */
async function childOf(runId: string): Promise<string> {
  return vi.waitFor(
    async () => {
      const { events } = await stack().client.temporal.workflow.getHandle(runId).fetchHistory();
      const started = events?.find((event) => event.childWorkflowExecutionStartedEventAttributes);
      return started!.childWorkflowExecutionStartedEventAttributes!.workflowExecution!.workflowId!;
    },
    { timeout: 20_000 },
  );
}

describe('a step that fails far down', () => {
  it('in a child of a child is one failed step, and the others go on', async () => {
    const name = aCase();
    expect(await stack().run(goingOn(child(child(failing))), name)).toMatchObject({
      one: { status: 'failed', error: { type: 'Tool.Failed', message: 'no' } },
      other: { status: 'completed' },
    });
    expect(notesOf(name)).toContain('went on');
  });

  it('is what a pattern throws, by its own type', async () => {
    const { failure } = stack();
    const spec: Spec = {
      do: 'fallback',
      ways: { one: child(child(failing)), other: { do: 'fail', message: 'neither' } },
    };
    expect(await failure(spec)).toMatchObject({ type: 'Tool.Failed', message: 'no\nthen other: Tool.Failed: neither' });
  });
});

describe('what nobody around it has cancelled', () => {
  it.each([
    ['cancelled', 'Run.Cancelled'],
    ['terminated', 'Run.Terminated'],
  ] as const)('a child that is %s by itself is one failed step, and the others go on', async (what, type) => {
    const { client, start } = stack();
    const name = aCase();
    const run = await start(goingOn(child(forever)), name);
    const handle = client.temporal.workflow.getHandle(await childOf(run.id));
    await (what === 'cancelled' ? handle.cancel() : handle.terminate());
    expect(await run.result()).toMatchObject({
      one: { status: 'failed', error: { type } },
      other: { status: 'completed' },
    });
    expect(notesOf(name)).toContain('went on');
  });

  it('a scope of the step’s own is its failure, and cancels the others only where a failure does', async () => {
    const own: Spec = { do: 'cancelSelf', afterMs: 50 };
    const name = aCase();
    expect(await stack().run(goingOn(own), name)).toMatchObject({
      one: { status: 'failed', error: { type: 'Run.Cancelled', step: 'parallel#1/one' } },
      other: { status: 'completed' },
    });
    const watched: Spec = { do: 'watch', body: forever, text: 'other' };
    const failure = await stack().failure({ do: 'parallel', branches: { own, watched } }, name);
    expect(failure).toMatchObject({ type: 'Run.Cancelled', details: { step: 'parallel#1/own' } });
    expect(notesOf(name)).toContain('other was cancelled');
  });
});

describe('a map', () => {
  it('fails at its deadline, though what reduces then goes on to its end', async () => {
    const failure = await stack().failure({
      do: 'map',
      texts: ['a', 'b', 'c', 'd', 'e'],
      body: { do: 'value', value: 'x' },
      reducing: { do: 'shielded', body: { do: 'sleep', ms: 600 } },
      timeout: 300,
    });
    expect(failure).toMatchObject({ type: 'Step.DeadlineExceeded' });
  });

  it('lists an item whose workflow failed far down or was ended by somebody, and goes on', async () => {
    const { client, start } = stack();
    const run = await start({ do: 'mapChildren', specs: [{ do: 'value', value: 1 }, child(child(failing)), forever] });
    const map = await childOf(run.id);
    const item = await vi.waitFor(
      async () => {
        const { events } = await client.temporal.workflow.getHandle(map).fetchHistory();
        expect(events?.filter((event) => event.childWorkflowExecutionStartedEventAttributes)).toHaveLength(3);
        const ids = events?.flatMap(
          (event) => event.startChildWorkflowExecutionInitiatedEventAttributes?.workflowId ?? [],
        );
        return ids![2]!;
      },
      { timeout: 20_000 },
    );
    await client.temporal.workflow.getHandle(item).cancel();
    expect(await run.result()).toMatchObject({
      status: 'partial',
      output: [1],
      steps: {
        completed: 1,
        failures: [
          { item: 1, error: { type: 'Tool.Failed', message: 'no' } },
          { item: 2, error: { type: 'Run.Cancelled' } },
        ],
      },
    });
  });
});

/**
 * How soon a run answers while it works through 1,000 quick steps, which hold the workflow task.
 * The target is 1 s (docs/durability.md); the bound here leaves room for a busy machine and fails with Temporal's default
 * of 10 s for a workflow task.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defineSignal, defineUpdate } from '@temporalio/workflow';
import { type ChaosStack, startChaosStack } from './chaosStack.js';
import { eventually } from './eventually.js';
import { effectsOf } from './killRun.js';

const boundMs = 4_000;
const count = 1_000;
const stopCounting = defineSignal('stopCounting');
const askProgress = defineUpdate<number, []>('askProgress');

let stack: ChaosStack;

beforeAll(async () => {
  stack = await startChaosStack();
});
afterAll(() => stack?.close());

const counted = (runId: string): string[] =>
  effectsOf(stack.dir).flatMap(({ key }) => (key.startsWith(`${runId}/`) ? [key] : []));

async function startCounting(width: number) {
  const run = await stack.client.start('countItems', { count, width } as never);
  await eventually(() => counted(run.runId).length > count / 5, 'a fifth of the steps');
  return { run, handle: stack.client.temporal.workflow.getHandle(run.id) };
}

async function msOf(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

describe.each([1, 50])('while 1,000 quick steps run, %i at a time', (width) => {
  it('answers an update, and ends soon after a signal that stops it', async () => {
    const { run, handle } = await startCounting(width);
    const updateMs = await msOf(async () => {
      expect(await handle.executeUpdate(askProgress)).toBeLessThan(count);
    });
    const signalMs = await msOf(async () => {
      await handle.signal(stopCounting);
      const result = (await run.result()) as { counted: number };
      expect(result.counted).toBeLessThan(count);
      expect(result.counted).toBe(counted(run.runId).length);
    });
    console.log(`${width} at a time: update ${updateMs.toFixed(0)} ms, signal to end ${signalMs.toFixed(0)} ms`);
    expect(updateMs).toBeLessThan(boundMs);
    expect(signalMs).toBeLessThan(boundMs);
    expect(new Set(counted(run.runId)).size, 'nothing ran twice').toBe(counted(run.runId).length);
  });

  it('ends soon after it is cancelled', async () => {
    const { run } = await startCounting(width);
    const cancelMs = await msOf(async () => {
      await run.cancel();
      await expect(run.result()).rejects.toMatchObject({ type: 'Run.Cancelled' });
    });
    console.log(`${width} at a time: cancel to end ${cancelMs.toFixed(0)} ms`);
    expect(cancelMs).toBeLessThan(boundMs);
    const keys = counted(run.runId);
    expect(keys.length).toBeLessThan(count);
    expect(new Set(keys).size, 'nothing ran twice').toBe(keys.length);
  });
});

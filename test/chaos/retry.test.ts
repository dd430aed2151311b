/** `segno retry`: a new run takes over what the failed one has finished. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ChaosStack, startChaosStack } from './chaosStack.js';
import { eventually } from './eventually.js';
import { inFull } from './inFull.js';
import { effectsOf, runAndKill, runInPeace, type SurvivedRun } from './killRun.js';
import { readRun } from './readRun.js';

let stack: ChaosStack;

beforeAll(async () => {
  stack = await startChaosStack();
});
afterAll(() => stack?.close());

const closeWarehouse = (): void => writeFileSync(join(stack.dir, 'gates/warehouse'), '');
const openWarehouse = (): void => rmSync(join(stack.dir, 'gates/warehouse'), { force: true });

async function failedShipment(): Promise<SurvivedRun & { id: string }> {
  closeWarehouse();
  const failed = await runInPeace(stack, { workflow: 'shipment', input: { item: 'lamp' } });
  expect(failed.error).toMatchObject({ type: 'Tool.Failed', details: { step: 'shipItem#1' } });
  openWarehouse();
  const id = (await stack.client.list({ limit: 50 })).find(({ runId }) => runId === failed.runId)!.id;
  return { ...failed, id };
}

const requestsOf = (runId: string) => stack.model.seen.filter(({ key }) => key.startsWith(`${runId}/`));
const effectsIn = (runId: string) =>
  effectsOf(stack.dir)
    .filter(({ key, phase }) => phase === 'effect' && key.startsWith(`${runId}/`))
    .map(({ tool }) => tool);

describe('a retried run', () => {
  it('reuses every finished step, repeats no effect, and goes on from the step that failed', async () => {
    const failed = await failedShipment();
    const retried = await stack.client.retry(failed.id);
    expect(retried.runId).not.toBe(failed.runId);
    await expect(retried.result()).resolves.toMatchObject({ mailed: 'mailed lamp', shipped: 'shipped lamp' });
    // The step that failed had been begun: it goes on under the idempotency key the outside system knows it by.
    expect(effectsIn(failed.runId)).toEqual(['lookUp', 'bookItem', 'mailItem', 'shipItem']);
    expect(effectsIn(retried.runId)).toEqual([]);
    expect(requestsOf(failed.runId)).toHaveLength(1);
    expect(requestsOf(retried.runId)).toEqual([]);
    const before = new Map(failed.steps.map(({ path, resultHash }) => [path, resultHash]));
    const steps = await readRun(stack.ledger, retried.runId);
    expect(steps.map(({ path }) => path)).toEqual(failed.steps.map(({ path }) => path));
    for (const { path, resultHash, attempts } of steps.filter(({ name }) => name !== 'shipItem')) {
      expect(resultHash, path).toBe(before.get(path));
      expect(attempts, `${path} costs nothing again`).toEqual([]);
    }
  });

  it('is not possible while the run is in progress or once it has completed', async () => {
    const done = await stack.client.start('order', { item: 'vase' } as never, { id: 'completed-order' });
    await done.result();
    await expect(stack.client.retry('completed-order')).rejects.toMatchObject({ type: 'Run.Conflict' });
  });

  it('does not repeat a tool whose outcome was lost: it fails the same way again', async () => {
    const point = { victim: 'worker', path: 'mailItem#1', moment: 'afterEffect', kind: 'tool' } as const;
    const cut = await runAndKill(stack, { workflow: 'order', input: { item: 'clock' } }, point);
    expect(cut.error).toMatchObject({ type: 'Tool.OutcomeUnknown' });
    const id = (await stack.client.list({ limit: 50 })).find(({ runId }) => runId === cut.runId)!.id;
    const retried = await stack.client.retry(id);
    await expect(retried.result()).rejects.toMatchObject({ type: 'Tool.OutcomeUnknown' });
    expect(effectsIn(retried.runId)).toEqual([]);
  });

  it.each(inFull('Summarize the note in one short sentence.'))(
    'runs an agent anew whose definition has changed, and what depends on nothing of it not (%s)',
    async (SEGNO_CHAOS_CLERK) => {
      const failed = await failedShipment();
      await stack.kill('tree');
      await stack.restart({ SEGNO_CHAOS_CLERK });
      const retried = await eventually(() => stack.client.retry(failed.id), 'the retry to start');
      await expect(retried.result()).resolves.toMatchObject({ shipped: 'shipped lamp' });
      expect(requestsOf(retried.runId).map(({ key }) => key)).toEqual([`${retried.runId}/clerk#1/turn#1#1`]);
      expect(effectsIn(retried.runId)).toEqual([]);
      expect(effectsIn(failed.runId).filter((tool) => tool === 'shipItem')).toHaveLength(1);
    },
  );
});

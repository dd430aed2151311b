/** Temporal dispatches the tasks of runs by priority, then tenants in turn. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { memoKey } from '../../../core/contracts.js';
import { resolveConfig } from '../../../core/config.js';
import { createWorker, type SegnoWorker } from '../../../workers/createWorker.js';
import { bundleWorkflows } from '../../../workers/bundleWorkflows.js';
import { startTestStack, type TestStack } from '../../../testing/testStack.js';
import { enter, entered, openDoor } from './project/enterTools.js';

const slots = 2;
let stack: TestStack;
let worker: SegnoWorker;
let running: Promise<void>;

beforeAll(async () => {
  const workflows = new URL('./project/enterWorkflow.ts', import.meta.url);
  const config = { tools: { enter }, workflows: workflows.href };
  stack = await startTestStack({ ...config, worker: false });
  worker = await createWorker({
    config: resolveConfig({ ...config, taskQueue: stack.taskQueue }),
    ledger: stack.ledger,
    connection: { address: stack.temporalAddress },
    workflowBundle: await bundleWorkflows([workflows.pathname]),
    worker: { maxConcurrentActivityTaskExecutions: slots },
  });
  running = worker.worker.run();
}, 180_000);

afterAll(async () => {
  openDoor();
  worker?.worker.shutdown();
  await running;
  await worker?.connection.close();
  await stack?.close();
}, 180_000);

/** As the client of another tenant starts it. */
async function startFor(tenant: string, name: string): Promise<void> {
  await stack.client.temporal.workflow.start('enterOnce', {
    workflowId: `enter-${randomUUID()}`,
    taskQueue: stack.taskQueue,
    args: [{ name, times: 1 }],
    memo: { [memoKey]: { tenant } },
    priority: { fairnessKey: tenant, priorityKey: 4 },
  });
}

const waiting = async (): Promise<number> => {
  const { stats } = await stack.client.temporal.workflowService.describeTaskQueue({
    namespace: 'default',
    taskQueue: { name: stack.taskQueue },
    taskQueueType: 2,
    reportStats: true,
  });
  return Number(stats?.approximateBacklogCount ?? 0);
};

it('runs of priority 1 go before 200 activities of priority 5, and tenants of one priority in turn', async () => {
  const { client } = stack;
  const low = await client.start('enterOnce', { name: 'low', times: 200 }, { priority: 5 });
  await expect.poll(waiting, { timeout: 60_000, interval: 200 }).toBeGreaterThanOrEqual(200 - slots - 1);
  for (let n = 0; n < 40; n += 1) await startFor('flood', 'flood');
  await expect.poll(waiting, { timeout: 60_000, interval: 200 }).toBeGreaterThanOrEqual(240 - slots - 1);
  for (let n = 0; n < 5; n += 1) await startFor('small', 'small');
  const high = await client.start('enterOnce', { name: 'high', times: 3, child: true }, { priority: 1 });
  await expect.poll(waiting, { timeout: 60_000, interval: 200 }).toBeGreaterThanOrEqual(248 - slots - 1);
  openDoor();
  await Promise.all([low.result(), high.result()]);
  const order = entered.filter((name) => name !== 'low');
  // What a poller or a slot already holds when the last ones come is not taken from it.
  const held = slots + 3;
  expect(entered.slice(0, entered.lastIndexOf('high')).filter((name) => name === 'low').length).toBeLessThanOrEqual(
    held,
  );
  expect(order.slice(0, 3 + held).filter((name) => name === 'high')).toHaveLength(3);
  const tenants = order.filter((name) => name !== 'high');
  expect(tenants.lastIndexOf('small')).toBeLessThan(20);
});

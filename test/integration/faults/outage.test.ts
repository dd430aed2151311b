/** One of two providers is away: its breaker opens, the other one answers, and few calls are wasted. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createChaos, type ScriptedModel, type TestChaos } from '../../../testing/index.js';
import { startTestStack, type TestStack } from '../../../testing/testStack.js';
import { orderModel } from './orderModel.js';
import * as agents from './project/agents.js';
import * as tools from './project/tools.js';
import type { note } from './project/workflow.js';

const startTimeoutMs = 180_000;
const own = `p${randomUUID().slice(0, 8)}`;
const consecutive = 3;

let chaos: TestChaos;
let model: ScriptedModel;
let stack: TestStack;
beforeAll(async () => {
  chaos = createChaos([{ at: 'provider', fault: '500', model: 'big' }]);
  model = await orderModel(chaos);
  const { budget: _, ...clerk } = agents.clerk;
  stack = await startTestStack({
    agents: { clerk, buyer: agents.buyer },
    tools,
    workflows: new URL('./project/workflow.ts', import.meta.url).href,
    models: {
      default: { provider: own, model: 'big', fallback: 'small' },
      small: { provider: own, model: 'small' },
    },
    providers: { [own]: { breaker: { consecutive, openMs: 1_000, longestOpenMs: 1_000 } } },
    model,
    chaos,
  });
}, startTimeoutMs);
afterAll(async () => {
  await stack?.close();
  await model?.close();
}, startTimeoutMs);

it('every run completes, few calls go to the dead one, and it is back as soon as a probe goes well', async () => {
  const run = async (item: string): Promise<unknown> =>
    (await stack.client.start<typeof note>('note', { item })).result();
  const startedMs = Date.now();
  for (let index = 0; index < 12; index += 1) expect(await run(`item ${index}`)).toBe('an item');
  const openings = 1 + Math.ceil((Date.now() - startedMs) / 1_000);
  expect(chaos.strikes.length).toBeGreaterThanOrEqual(consecutive);
  expect(chaos.strikes.length, 'faults until it opens, and a probe for each time it has').toBeLessThanOrEqual(
    consecutive + openings,
  );
  chaos.stop();
  await expect
    .poll(
      async () => {
        await run('later');
        return model.requests.at(-1)?.model;
      },
      { timeout: 20_000 },
    )
    .toBe('big');
}, 120_000);

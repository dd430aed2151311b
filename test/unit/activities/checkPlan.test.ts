import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createCheckPlan } from '../../../activities/checkPlan.js';
import { resolveConfig } from '../../../core/config.js';
import { defineAgent } from '../../../core/defineAgent.js';

const writer = defineAgent({
  instructions: 'Write.',
  input: z.object({ about: z.string() }),
  output: z.object({ text: z.string() }),
});
const config = resolveConfig({
  agents: { writer },
  workflows: './workflow.ts',
  models: { default: { provider: 'test', model: 'test-1', price: { input: 1, output: 10 } } },
  providers: { test: { baseURL: 'http://127.0.0.1:9/v1' } },
});
const checkPlan = createCheckPlan({ config, workflows: [] });

const step = (id: string) => ({ id, agent: 'writer', input: { about: 'the weather' } });
const plan = { version: 1, name: 'plan', steps: [step('first'), step('second')] };

describe('the estimate of a plan', () => {
  it('counts no step that has completed before, nor holds it against the limit', async () => {
    const whole = (await checkPlan({ plan })).estimate!;
    const rest = (await checkPlan({ plan, done: ['first'], maxCostUsd: whole.costUsd! * 0.6 })).estimate!;
    expect(rest.modelCalls).toBe(whole.modelCalls / 2);
    expect(rest.costUsd).toBeCloseTo(whole.costUsd! / 2);
    await expect(checkPlan({ plan, maxCostUsd: whole.costUsd! * 0.6 })).rejects.toMatchObject({ type: 'Plan.Invalid' });
  });
});

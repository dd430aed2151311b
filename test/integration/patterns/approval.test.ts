import { describe, expect, it, vi } from 'vitest';
import type { Run, WaitingApproval } from '../../../client/index.js';
import { usePatternsStack } from './patternsStack.js';
import type { Spec } from './project/spec.js';

const stack = usePatternsStack();
const ask = (name: string, options?: Record<string, unknown>): Spec => ({
  do: 'approval',
  name,
  ...(options && { options }),
});

/** Wait until the run waits for so many. */
async function waiting({ id }: Run, count = 1): Promise<WaitingApproval[]> {
  return vi.waitFor(
    async () => {
      const found = await stack().client.approvals({ run: id });
      expect(found).toHaveLength(count);
      return found;
    },
    { timeout: 20_000, interval: 50 },
  );
}

describe('an approval', () => {
  it('waits, shows what is asked, and gives the decision with who made it', async () => {
    const { client, start } = stack();
    const run = await start(ask('publish', { title: 'Publish it?', detail: { pages: 3 } }));
    const [approval] = await waiting(run);
    expect(approval).toMatchObject({
      run: run.id,
      workflowId: run.id,
      name: 'publish',
      path: 'approval/publish#1',
      title: 'Publish it?',
      detail: { pages: 3 },
    });
    expect(Date.parse(approval!.until) - Date.parse(approval!.since)).toBe(7 * 24 * 3_600_000);
    const decision = await client.decide(run.id, { approved: true, by: 'Ada', comment: 'fine', value: { pages: 2 } });
    expect(decision).toMatchObject({ approved: true, by: 'Ada', comment: 'fine', value: { pages: 2 } });
    expect(await run.result()).toEqual(decision);
    expect(await client.approvals({ run: run.id })).toEqual([]);
  });

  it('gives a rejection as an answer, not as a failure', async () => {
    const { client, start } = stack();
    const run = await start(ask('publish'));
    await waiting(run);
    await client.decide(run.id, { approved: false, by: 'Ada' });
    expect(await run.result()).toMatchObject({ approved: false, by: 'Ada' });
  });
});

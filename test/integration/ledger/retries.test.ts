import { describe, expect, it } from 'vitest';
import { beginStep, failStep, finishStep, inheritSteps, reuseStep } from '../../../ledger/index.js';
import type { BeginStepInput } from '../../../ledger/index.js';
import { aStep, describeOnBothDatabases } from './databases.js';

/** The same step in another run of the chain. */
const inRun = (step: BeginStepInput, runId: string): BeginStepInput => ({
  ...step,
  runId,
  key: `${runId}/${step.path}`,
});

describeOnBothDatabases((database) => {
  describe('the retry of a retry', () => {
    it('reuses what the first run finished and the second did not get to', async () => {
      const { ledger } = database();
      const first = aStep();
      const [second, third] = [`${first.runId}-2`, `${first.runId}-3`];
      await beginStep(ledger, first);
      await finishStep(ledger, { key: first.key, owner: first.owner, epoch: 1, result: { sent: true } });
      const inheritance = { ...first, runId: second, predecessor: first.runId };
      await inheritSteps(ledger, inheritance);
      await inheritSteps(ledger, inheritance);
      const reused = await reuseStep(ledger, inRun(first, third), inRun(first, second).key);
      expect(reused?.result).toEqual({ sent: true });
    });

    it.each(['sent', 'unknown'] as const)('does not repeat an effect that the first run left %s', async (left) => {
      const { ledger } = database();
      const first = { ...aStep(), safety: 'once' as const };
      const [second, third] = [`${first.runId}-2`, `${first.runId}-3`];
      await beginStep(ledger, first);
      const error = { type: 'Tool.OutcomeUnknown', message: 'no answer', retryable: false };
      if (left === 'unknown') await failStep(ledger, { key: first.key, owner: first.owner, epoch: 1, error });
      const lost = { type: 'Tool.OutcomeUnknown' };
      await expect(reuseStep(ledger, inRun(first, second), first.key)).rejects.toMatchObject(lost);
      await inheritSteps(ledger, { ...first, runId: second, predecessor: first.runId });
      const again = reuseStep(ledger, inRun(first, third), inRun(first, second).key);
      await expect(again).rejects.toMatchObject(lost);
    });

    it('keeps what the second run made of a step itself', async () => {
      const { ledger } = database();
      const first = aStep();
      const second = inRun(first, `${first.runId}-2`);
      for (const [step, result] of [
        [first, 'old'],
        [second, 'new'],
      ] as const) {
        await beginStep(ledger, step);
        await finishStep(ledger, { key: step.key, owner: step.owner, epoch: 1, result });
      }
      await inheritSteps(ledger, { ...first, runId: second.runId, predecessor: first.runId });
      const reused = await reuseStep(ledger, inRun(first, `${first.runId}-3`), second.key);
      expect(reused?.result).toBe('new');
    });
  });
});

import { describe, expect, it } from 'vitest';
import {
  beginStep,
  failStep,
  finishStep,
  inheritSteps,
  readUnknownStep,
  resolveStep,
  reuseStep,
  sayOutcome,
} from '../../../ledger/index.js';
import type { BeginStepInput } from '../../../ledger/index.js';
import { aStep, describeOnBothDatabases } from './databases.js';

/** The same step in another run of the chain. */
const inRun = (step: BeginStepInput, runId: string): BeginStepInput => ({
  ...step,
  runId,
  key: `${runId}/${step.path}`,
});

describeOnBothDatabases((database) => {
  describe('a finished step whose definition has changed', () => {
    it.each([
      ['tool', 'once', true],
      ['tool', 'idempotent', true],
      ['tool', 'pure', false],
      ['model', 'idempotent', false],
    ] as const)('of kind %s, %s, is reused: %s', async (kind, safety, reused) => {
      const { ledger } = database();
      const first = { ...aStep(), kind, safety };
      await beginStep(ledger, first);
      await finishStep(ledger, { key: first.key, owner: first.owner, epoch: 1, result: 'old' });
      const second = { ...inRun(first, `${first.runId}-2`), definitionHash: 'of an edited description' };
      const { recorded } = await reuseStep(ledger, second, first.key);
      expect(recorded?.result).toBe(reused ? 'old' : undefined);
    });
  });

  it('a step that another build takes over is recorded with that build’s definition', async () => {
    const { ledger } = database();
    const step = { ...aStep(), safety: 'idempotent' as const };
    await beginStep(ledger, step);
    await beginStep(ledger, { ...step, attempt: 2, definitionHash: 'new' });
    const { rows } = await ledger.query('select definition_hash from segno.steps where key = $1', [step.key]);
    expect(rows).toEqual([{ definition_hash: 'new' }]);
  });

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
      expect(reused.recorded?.result).toEqual({ sent: true });
    });

    it.each(['sent', 'unknown'] as const)('does not repeat an effect that the first run left %s', async (left) => {
      const { ledger } = database();
      const first = { ...aStep(), safety: 'once' as const };
      const [second, third] = [`${first.runId}-2`, `${first.runId}-3`];
      await beginStep(ledger, first);
      const error = { type: 'Tool.OutcomeUnknown', message: 'no answer', retryable: false };
      if (left === 'unknown') await failStep(ledger, { key: first.key, owner: first.owner, epoch: 1, error });
      const lost = { type: 'Tool.OutcomeUnknown' };
      const inSecond = inRun(first, second);
      expect(await reuseStep(ledger, { ...inSecond, path: 'b' }, `${first.runId}/b`)).toEqual({});
      const changed = { ...inSecond, fingerprint: 'of another input' };
      await expect(reuseStep(ledger, changed, first.key)).rejects.toMatchObject(lost);
      expect(await reuseStep(ledger, inSecond, first.key)).toEqual({ idempotencyKey: first.key });
      await expect(beginStep(ledger, inSecond)).rejects.toMatchObject(lost);
      const inThird = inRun(first, third);
      expect(await reuseStep(ledger, inThird, inSecond.key)).toEqual({ idempotencyKey: first.key });
      await expect(beginStep(ledger, inThird)).rejects.toMatchObject(lost);
    });

    it('inherits what was said of an effect that the second run did not get to', async () => {
      const { ledger } = database();
      const first = { ...aStep(), safety: 'once' as const };
      const [second, third] = [inRun(first, `${first.runId}-2`), inRun(first, `${first.runId}-3`)];
      await beginStep(ledger, first);
      expect(await sayOutcome(ledger, { key: first.key, answer: { done: 7 }, by: 'ada' })).toBe(true);
      await inheritSteps(ledger, { ...first, runId: second.runId, predecessor: first.runId });
      await reuseStep(ledger, third, second.key);
      const { said, idempotencyKey } = (await readUnknownStep(ledger, third.key))!;
      expect([said?.answer, said?.by, idempotencyKey]).toEqual([{ done: 7 }, 'ada', first.key]);
      expect(await resolveStep(ledger, { key: third.key, resolution: { repeat: true }, by: 'ada' })).toBe(true);
      expect(await readUnknownStep(ledger, third.key)).toBeUndefined();
      expect(await beginStep(ledger, third)).toMatchObject({ status: 'begun' });
      await failStep(ledger, {
        ...third,
        epoch: 3,
        error: { type: 'Tool.OutcomeUnknown', message: '', retryable: false },
      });
      expect((await readUnknownStep(ledger, third.key))?.said).toBeUndefined();
    });

    it('calls an idempotent effect that was begun under the key it was begun under', async () => {
      const { ledger } = database();
      const first = { ...aStep(), safety: 'idempotent' as const };
      const [second, third] = [inRun(first, `${first.runId}-2`), inRun(first, `${first.runId}-3`)];
      await beginStep(ledger, first);
      expect(await reuseStep(ledger, second, first.key)).toEqual({ idempotencyKey: first.key });
      // The second run begins it, and fails; the third run takes the key from its row.
      await beginStep(ledger, { ...second, idempotencyKey: first.key });
      expect(await reuseStep(ledger, third, second.key)).toEqual({ idempotencyKey: first.key });
      const changed = { ...third, fingerprint: 'of another input' };
      expect(await reuseStep(ledger, changed, second.key)).toEqual({});
    });

    it('keeps that key for an effect that the second run did not get to', async () => {
      const { ledger } = database();
      const first = { ...aStep(), safety: 'idempotent' as const };
      const [second, third] = [inRun(first, `${first.runId}-2`), inRun(first, `${first.runId}-3`)];
      await beginStep(ledger, first);
      const error = { type: 'Tool.Failed', message: 'no answer', retryable: false };
      await failStep(ledger, { key: first.key, owner: first.owner, epoch: 1, error });
      await inheritSteps(ledger, { ...first, runId: second.runId, predecessor: first.runId });
      expect(await reuseStep(ledger, third, second.key)).toEqual({ idempotencyKey: first.key });
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
      expect(reused.recorded?.result).toBe('new');
    });
  });
});

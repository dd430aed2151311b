import { describe, expect, it } from 'vitest';
import { SegnoError } from '../../../core/errors.js';
import type { ErrorType } from '../../../core/errors.js';
import {
  beginStep,
  failStep,
  findStep,
  finishStep,
  hashJson,
  listSteps,
  loadTranscript,
  markDead,
  recordPureStep,
  registerWorker,
  releaseStep,
  renewLease,
  resolveStep,
  retireWorker,
  transcriptNode,
  usageOfRun,
} from '../../../ledger/index.js';
import type { BeginStepInput, Ledger, StepUsage } from '../../../ledger/index.js';
import { aModelCall, aStep, describeOnBothDatabases } from './databases.js';

const usage: StepUsage = {
  inputTokens: 900,
  outputTokens: 40,
  cachedInputTokens: 100,
  costPicoUsd: 1_234n,
  estimated: false,
};
const noUsage = { inputTokens: 0, outputTokens: 0, cachedInputTokens: 0, costPicoUsd: 0n, estimated: false };
const upper = { inputTokens: 1_000, outputTokens: 500, cachedInputTokens: 0, costPicoUsd: 6_000n, estimated: true };

async function begin(ledger: Ledger, input: BeginStepInput): Promise<{ epoch: number; attempts: number }> {
  const begun = await beginStep(ledger, input);
  if (begun.status !== 'begun') throw new Error('the step was done already');
  return begun;
}

const attemptOf = ({ key, owner }: BeginStepInput, epoch: number) => ({ key, owner, epoch });

async function refusal(
  work: Promise<unknown>,
): Promise<{ type: ErrorType; message: string; retryAfterMs?: number | undefined }> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof SegnoError)) throw new Error(`expected a SegnoError, got ${String(error)}`);
  return error;
}

const stateOf = async (ledger: Ledger, { scope }: BeginStepInput) => (await listSteps(ledger, { scope }))[0]?.state;

describeOnBothDatabases((database) => {
  describe('a step', () => {
    it('stands as sent before anybody is called, and as done after', async () => {
      const { ledger } = database();
      const step = aStep();
      expect(await beginStep(ledger, step)).toEqual({ status: 'begun', epoch: 1, attempts: 1 });
      expect(await stateOf(ledger, step)).toBe('sent');
      expect(await finishStep(ledger, { ...attemptOf(step, 1), result: { found: 3 } })).toEqual({ fenced: false });
      expect(await stateOf(ledger, step)).toBe('done');
    });

    it('that is done gives its result to every later attempt, older ones included', async () => {
      const { ledger } = database();
      const step = aStep({ attempt: 5 });
      await begin(ledger, step);
      const result = { text: 'é\u0000\ud83d\ude00', list: [1, null, { a: true }] };
      await finishStep(ledger, { ...attemptOf(step, 1), result });
      for (const attempt of [0, 1, 6]) {
        expect(await beginStep(ledger, { ...step, attempt, owner: 'worker-b' })).toEqual({
          status: 'done',
          result,
          resultHash: hashJson(result),
          bytes: expect.any(Number) as number,
        });
      }
    });

    it('keeps results of any size, small ones in its row and large ones as blobs', async () => {
      const { ledger } = database();
      for (const length of [10, 9_000, 3_000_000]) {
        const step = aStep();
        await begin(ledger, step);
        const result = { text: 'x'.repeat(length) };
        await finishStep(ledger, { ...attemptOf(step, 1), result });
        expect(await findStep(ledger, step.key, step.fingerprint)).toMatchObject({
          result,
          resultHash: hashJson(result),
        });
      }
    });

    it('records nothing as null', async () => {
      const { ledger } = database();
      const step = aStep();
      await begin(ledger, step);
      await finishStep(ledger, { ...attemptOf(step, 1), result: undefined });
      expect(await beginStep(ledger, step)).toMatchObject({ status: 'done', result: null });
    });

    it('found with another fingerprint or tenant is a mismatch, never a cached answer', async () => {
      const { ledger } = database();
      const step = aStep();
      await begin(ledger, step);
      await finishStep(ledger, { ...attemptOf(step, 1), result: 1 });
      expect(await refusal(beginStep(ledger, { ...step, fingerprint: 'other' }))).toMatchObject({
        type: 'Step.Mismatch',
      });
      expect(await refusal(beginStep(ledger, { ...step, tenant: 'other' }))).toMatchObject({ type: 'Step.Mismatch' });
      expect(await refusal(findStep(ledger, step.key, 'other'))).toMatchObject({ type: 'Step.Mismatch' });
    });

    it('that failed for good throws the same failure again', async () => {
      const { ledger } = database();
      const step = aStep();
      await begin(ledger, step);
      const error = { type: 'Document.Scanned', message: 'pictures only', retryable: false, details: { pages: 3 } };
      expect(await failStep(ledger, { ...attemptOf(step, 1), error })).toEqual({ fenced: false });
      expect(await refusal(beginStep(ledger, { ...step, attempt: 2 }))).toMatchObject(error);
      expect((await listSteps(ledger, { scope: step.scope }))[0]).toMatchObject({ state: 'failed', error });
    });

    it('that failed with an error keeps its message', async () => {
      const { ledger } = database();
      const step = aStep();
      await begin(ledger, step);
      await failStep(ledger, { ...attemptOf(step, 1), error: new SegnoError('Document.Scanned', 'pictures only') });
      const kept = { error: { type: 'Document.Scanned', message: 'pictures only' } };
      expect(await listSteps(ledger, { scope: step.scope })).toMatchObject([{ ...kept, tries: [kept] }]);
    });

    it('that failed retryably is begun again, and its attempts are counted', async () => {
      const { ledger } = database();
      const step = aStep();
      await begin(ledger, step);
      await failStep(ledger, {
        ...attemptOf(step, 1),
        error: { type: 'Tool.Failed', message: 'busy', retryable: true },
      });
      expect(await beginStep(ledger, { ...step, attempt: 2 })).toEqual({ status: 'begun', epoch: 2, attempts: 2 });
      expect((await listSteps(ledger, { scope: step.scope }))[0]).toMatchObject({ state: 'sent', error: undefined });
    });

    it('that was released unsent counts no attempt and no cost', async () => {
      const { ledger } = database();
      const step = aModelCall();
      await begin(ledger, step);
      expect(await releaseStep(ledger, attemptOf(step, 1))).toEqual({ fenced: false });
      expect(await beginStep(ledger, { ...step, attempt: 2 })).toEqual({ status: 'begun', epoch: 2, attempts: 1 });
      expect(await usageOfRun(ledger, step)).toEqual(noUsage);
    });
  });

  describe('a takeover', () => {
    it('of a sent model call counts its upper bound as spent', async () => {
      const { ledger } = database();
      const step = aModelCall();
      await begin(ledger, step);
      expect(await beginStep(ledger, { ...step, attempt: 2, owner: 'worker-b' })).toEqual({
        status: 'begun',
        epoch: 2,
        attempts: 2,
      });
      expect(await usageOfRun(ledger, step)).toEqual(upper);
    });

    it('of an idempotent tool calls again under the same key', async () => {
      const { ledger } = database();
      const step = aStep();
      await begin(ledger, step);
      expect(await begin(ledger, { ...step, attempt: 2, owner: 'worker-b' })).toMatchObject({ epoch: 2 });
      expect(await usageOfRun(ledger, step)).toEqual(noUsage);
    });

    it('of an effect waits while its owner’s lease lives', async () => {
      const { ledger } = database();
      const step = aStep({ safety: 'once', leaseMs: 1_500 });
      await begin(ledger, step);
      const busy = await refusal(beginStep(ledger, { ...step, attempt: 2, owner: 'worker-b' }));
      expect(busy.type).toBe('Step.Busy');
      expect(busy.retryAfterMs).toBeGreaterThan(0);
      expect(busy.retryAfterMs).toBeLessThanOrEqual(1_500);
      expect(await stateOf(ledger, step)).toBe('sent');
    });

    it('of an effect whose lease is over knows no outcome, and says so to everybody after', async () => {
      const { ledger } = database();
      const step = aStep({ safety: 'once', leaseMs: 0 });
      await begin(ledger, step);
      for (const attempt of [2, 3]) {
        const error = await refusal(beginStep(ledger, { ...step, attempt, owner: 'worker-b' }));
        expect(error.type).toBe('Tool.OutcomeUnknown');
        expect(await stateOf(ledger, step)).toBe('unknown');
      }
    });

    it.each(['dead', 'retired'] as const)('of an effect does not wait for a %s owner', async (end) => {
      const { ledger } = database();
      const step = aStep({ safety: 'once', owner: `worker-${end}-${Math.random()}` });
      const instance = step.owner;
      const worker = { instance, identity: 'i', hostId: 'h', pid: 1, processStartedAt: '1', taskQueue: 'q' };
      await registerWorker(ledger, worker);
      await begin(ledger, step);
      const retry = () => beginStep(ledger, { ...step, attempt: 2, owner: 'worker-b' });
      expect((await refusal(retry())).type).toBe('Step.Busy');
      await (end === 'dead' ? markDead(ledger, instance) : retireWorker(ledger, instance));
      expect((await refusal(retry())).type).toBe('Tool.OutcomeUnknown');
    });

    it('does not happen to a newer Temporal attempt; a local activity’s count starts anew and may', async () => {
      const { ledger } = database();
      const step = aModelCall({ attempt: 4 });
      await begin(ledger, step);
      expect((await refusal(beginStep(ledger, { ...step, attempt: 3 }))).type).toBe('Step.Fenced');
      expect(await begin(ledger, { ...step, attempt: 0 })).toMatchObject({ epoch: 2 });
    });
  });

  describe('fencing', () => {
    it('refuses a write by an older epoch and still records its usage', async () => {
      const { ledger } = database();
      const step = aModelCall();
      await begin(ledger, step);
      await begin(ledger, { ...step, attempt: 2, owner: 'worker-b' });
      const node = transcriptNode(null, { late: step.key });
      const late = { ...attemptOf(step, 1), result: 'late', usage, nodes: [node], blobs: [] };
      expect(await finishStep(ledger, late)).toEqual({ fenced: true });
      expect(await stateOf(ledger, step)).toBe('sent');
      expect(await usageOfRun(ledger, step)).toEqual({ ...noUsage, ...usage });
      const missing = await refusal(loadTranscript(ledger, { tenant: step.tenant, head: node.hash }));
      expect(missing.type).toBe('Payload.Missing');
    });

    it('replaces an upper bound by the real usage once, and counts nothing twice', async () => {
      const { ledger } = database();
      const step = aModelCall();
      await begin(ledger, step);
      await begin(ledger, { ...step, attempt: 2, owner: 'worker-b' });
      await finishStep(ledger, { ...attemptOf(step, 1), result: 'late', usage });
      await finishStep(ledger, { ...attemptOf(step, 1), result: 'late', usage: { ...usage, costPicoUsd: 9_999n } });
      await finishStep(ledger, { key: step.key, epoch: 2, owner: 'worker-b', result: 'new', usage });
      expect(await usageOfRun(ledger, step)).toMatchObject({
        costPicoUsd: 2_468n,
        inputTokens: 1_800,
        estimated: false,
      });
      expect(await findStep(ledger, step.key, step.fingerprint)).toMatchObject({ result: 'new' });
    });

    it('refuses the failure of an older epoch, and of another owner of the same one', async () => {
      const { ledger } = database();
      const step = aModelCall();
      await begin(ledger, step);
      await begin(ledger, { ...step, attempt: 2, owner: 'worker-b' });
      const error = { type: 'Model.Timeout', message: 'late', retryable: false };
      expect(await failStep(ledger, { ...attemptOf(step, 1), error, usage })).toEqual({ fenced: true });
      expect(await failStep(ledger, { ...attemptOf(step, 2), error })).toEqual({ fenced: true });
      expect(await renewLease(ledger, { ...attemptOf(step, 1), leaseMs: 1_000 })).toEqual({ fenced: true });
      expect(await releaseStep(ledger, attemptOf(step, 1))).toEqual({ fenced: true });
      expect(await stateOf(ledger, step)).toBe('sent');
    });

    it('leaves a finished step as it is, and tells its own attempt that all is well', async () => {
      const { ledger } = database();
      const step = aModelCall();
      await begin(ledger, step);
      const finish = { ...attemptOf(step, 1), result: 'first', usage };
      await finishStep(ledger, finish);
      expect(await finishStep(ledger, finish)).toEqual({ fenced: false });
      expect(await finishStep(ledger, { ...finish, result: 'second' })).toEqual({ fenced: true });
      const error = { type: 'Model.Timeout', message: 'late', retryable: false };
      expect(await failStep(ledger, { ...attemptOf(step, 1), error, usage })).toEqual({ fenced: true });
      expect(await findStep(ledger, step.key, step.fingerprint)).toMatchObject({ result: 'first' });
      expect(await usageOfRun(ledger, step)).toEqual({ ...noUsage, ...usage });
    });
  });

  describe('an unknown outcome', () => {
    const unknownStep = async (ledger: Ledger) => {
      const step = aStep({ safety: 'once', leaseMs: 0 });
      await begin(ledger, step);
      await refusal(beginStep(ledger, { ...step, attempt: 2, owner: 'worker-b' }));
      return step;
    };

    it('is settled by its own attempt when that comes back', async () => {
      const { ledger } = database();
      const step = await unknownStep(ledger);
      expect(await finishStep(ledger, { ...attemptOf(step, 1), result: 'it worked' })).toEqual({ fenced: false });
      expect(await beginStep(ledger, { ...step, attempt: 3 })).toMatchObject({ status: 'done', result: 'it worked' });
    });

    it('is settled by a person as done, failed, or to be called again; the lost attempt is fenced from then on', async () => {
      const { ledger } = database();
      const done = await unknownStep(ledger);
      expect(await resolveStep(ledger, { key: done.key, resolution: { done: { id: 7 } }, by: 'ops' })).toBe(true);
      expect(await beginStep(ledger, { ...done, attempt: 3 })).toMatchObject({ status: 'done', result: { id: 7 } });
      expect(await finishStep(ledger, { ...attemptOf(done, 1), result: 'late' })).toEqual({ fenced: true });

      const failed = await unknownStep(ledger);
      const failure = { type: 'Tool.Failed', message: 'did not happen', retryable: false };
      await resolveStep(ledger, { key: failed.key, resolution: { failed: failure }, by: 'ops' });
      expect(await refusal(beginStep(ledger, { ...failed, attempt: 3 }))).toMatchObject(failure);

      const repeated = await unknownStep(ledger);
      await resolveStep(ledger, { key: repeated.key, resolution: { repeat: true }, by: 'ops' });
      expect(await begin(ledger, { ...repeated, attempt: 3 })).toMatchObject({ attempts: 2 });
      expect(await finishStep(ledger, { ...attemptOf(repeated, 1), result: 'late' })).toEqual({ fenced: true });
    });

    it('cannot be settled by a person when the step is not unknown', async () => {
      const { ledger } = database();
      const step = aStep();
      await begin(ledger, step);
      expect(await resolveStep(ledger, { key: step.key, resolution: { repeat: true }, by: 'ops' })).toBe(false);
    });
  });

  describe('a renewed lease', () => {
    it('keeps others waiting', async () => {
      const { ledger } = database();
      const step = aStep({ safety: 'once', leaseMs: 0 });
      await begin(ledger, step);
      expect(await renewLease(ledger, { ...attemptOf(step, 1), leaseMs: 60_000 })).toEqual({ fenced: false });
      expect(await refusal(beginStep(ledger, { ...step, attempt: 2 }))).toMatchObject({
        type: 'Step.Busy',
        retryAfterMs: 2_000,
      });
    });
  });

  describe('a pure step', () => {
    it('is recorded once; who comes later gets what stands there', async () => {
      const { ledger } = database();
      const step = aStep({ safety: 'pure' });
      expect(await recordPureStep(ledger, { ...step, result: 'first' })).toMatchObject({
        status: 'recorded',
        result: 'first',
      });
      expect(await recordPureStep(ledger, { ...step, result: 'second' })).toMatchObject({
        status: 'found',
        result: 'first',
      });
      expect(await findStep(ledger, step.key, step.fingerprint)).toMatchObject({ result: 'first' });
      expect(await findStep(ledger, `${step.key}/no`, step.fingerprint)).toBeUndefined();
    });

    it('with another fingerprint is a mismatch', async () => {
      const { ledger } = database();
      const step = aStep({ safety: 'pure' });
      await recordPureStep(ledger, { ...step, result: 'first' });
      const other = recordPureStep(ledger, { ...step, fingerprint: 'other', result: 'second' });
      expect((await refusal(other)).type).toBe('Step.Mismatch');
    });

    it('keeps a large result', async () => {
      const { ledger } = database();
      const step = aStep({ safety: 'pure' });
      const result = Array.from({ length: 5_000 }, (_, index) => ({ index }));
      await recordPureStep(ledger, { ...step, result });
      expect((await findStep(ledger, step.key, step.fingerprint))?.result).toEqual(result);
    });
  });
});

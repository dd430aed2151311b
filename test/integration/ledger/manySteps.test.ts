import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  beginStep,
  type BeginStepInput,
  eraseScope,
  failStep,
  findStep,
  finishBatch,
  finishStep,
  type Ledger,
  listMaps,
  listSteps,
  type ManySteps,
  readBatches,
  readSteps,
  recordPureSteps,
  resultOf,
  reuseSteps,
  storeBatches,
} from '../../../ledger/index.js';
import type { StepSafety } from '../../../core/steps.js';
import { aStep, describeOnBothDatabases } from './databases.js';

/** So many items of a map of a run of its own. */
function aMap(safety: StepSafety, count = 3, runId: string = randomUUID()) {
  const { workflowId, scope, tenant, name, definitionHash, owner } = aStep({ runId });
  const many: ManySteps = { runId, workflowId, scope, tenant, kind: 'tool', name, definitionHash, owner, safety };
  const steps = Array.from({ length: count }, (_, index) => {
    const path = `mapReduce#1/map/item#${index}`;
    const key = `${runId}/${path}`;
    return {
      ...{ key, path, fingerprint: `input ${index}`, attempt: 1, leaseMs: 60_000 },
      idempotencyKey: key,
    };
  });
  return { many, steps, keys: steps.map(({ key }) => key), single: { ...many, attempt: 1, leaseMs: 60_000 } };
}

/** At once, as the items of a batch are. @returns the keys of those that were not fenced off */
async function finishAll(ledger: Ledger, keys: readonly string[], owner: string): Promise<string[]> {
  const ended = await Promise.all(
    keys.map((key, index) => finishStep(ledger, { key, owner, epoch: 1, result: { value: index } })),
  );
  return keys.filter((_, index) => !ended[index]!.fenced);
}

const beginAll = (ledger: Ledger, many: ManySteps, steps: readonly Omit<BeginStepInput, keyof ManySteps>[]) =>
  Promise.allSettled(steps.map((step) => beginStep(ledger, { ...many, ...step })));

async function statesOf(ledger: Ledger, keys: readonly string[]): Promise<(string | undefined)[]> {
  const rows = await readSteps(ledger, keys);
  return keys.map((key) => rows.get(key)?.state);
}

describeOnBothDatabases((database) => {
  describe('many steps at once', () => {
    it('are begun and finished together, each once', async () => {
      const { ledger } = database();
      const { many, steps, keys } = aMap('once', 40);
      for (const begun of await beginAll(ledger, many, steps)) {
        expect(begun).toMatchObject({ status: 'fulfilled', value: { status: 'begun', epoch: 1 } });
      }
      expect(new Set(await statesOf(ledger, keys))).toEqual(new Set(['sent']));
      for (let time = 0; time < 2; time += 1) expect(await finishAll(ledger, keys, many.owner)).toEqual(keys);
      for (const [index, begun] of (await beginAll(ledger, many, steps)).entries()) {
        expect(begun).toMatchObject({ value: { status: 'done', result: { value: index } } });
      }
      const { rows } = await ledger.query('select distinct state, epoch from segno.attempts where scope = $1', [
        many.scope,
      ]);
      expect(rows).toEqual([{ state: 'done', epoch: 1 }]);
    });

    it('fail alone where one of them cannot be written, or is another’s', async () => {
      const { ledger } = database();
      const { many, steps, keys } = aMap('once', 5);
      await beginStep(ledger, { ...many, ...steps[1]!, fingerprint: 'other input' });
      const unwritable = steps.map((step, index) => (index === 2 ? { ...step, path: 'no\0text' } : step));
      const begun = await beginAll(ledger, many, unwritable);
      expect(begun.map(({ status }) => status)).toEqual([
        'fulfilled',
        'rejected',
        'rejected',
        'fulfilled',
        'fulfilled',
      ]);
      expect(begun[1]).toMatchObject({ reason: { type: 'Step.Mismatch' } });
      expect(await statesOf(ledger, keys)).toEqual(['sent', 'sent', undefined, 'sent', 'sent']);
    });

    it('are begun by one of two attempts that come together', async () => {
      const { ledger } = database();
      const { many, steps } = aMap('once', 2);
      const begun = await beginAll(ledger, many, [steps[0]!, steps[0]!, steps[1]!]);
      expect(begun.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
      expect(begun[1]).toMatchObject({ reason: { type: 'Step.Busy' } });
    });

    it('are not finished by an attempt that another has taken over from', async () => {
      const { ledger } = database();
      const { many, steps, keys, single } = aMap('idempotent');
      await beginAll(ledger, many, steps);
      await beginStep(ledger, { ...single, ...steps[1]!, owner: 'worker-b', attempt: 2 });
      expect(await finishAll(ledger, keys, many.owner)).toEqual([keys[0], keys[2]]);
      expect(await statesOf(ledger, keys)).toEqual(['done', 'sent', 'done']);
      const { rows } = await ledger.query(
        'select epoch, state from segno.attempts where step_key = $1 order by epoch',
        [keys[1]!],
      );
      expect(rows).toEqual([
        { epoch: 1, state: 'fenced' },
        { epoch: 2, state: 'sent' },
      ]);
    });

    it('keep what is no proper Unicode readable', async () => {
      const { ledger } = database();
      const { many, steps } = aMap('once', 1);
      const broken = { ...steps[0]!, path: 'half \ud83d pair', idempotencyKey: 'k' };
      await beginStep(ledger, { ...many, ...broken });
      await finishStep(ledger, { key: broken.key, owner: many.owner, epoch: 1, result: 'half \ud83d pair, nul \0' });
      const found = await beginStep(ledger, { ...many, ...broken });
      expect(found).toMatchObject({ status: 'done', result: 'half \ud83d pair, nul \0' });
    });

    it('of a pure tool keep the first results, large ones too', async () => {
      const { ledger } = database();
      const { many, steps, keys } = aMap('pure');
      const large = 'x'.repeat(100_000);
      const record = (results: readonly unknown[], of = steps) =>
        recordPureSteps(
          ledger,
          many,
          of.map((step, index) => ({ ...step, result: results[index] })),
        );
      expect(await record([1, large], steps.slice(0, 2))).toEqual(new Set(keys.slice(0, 2)));
      expect(await record([7, 8, 9])).toEqual(new Set(keys.slice(2)));
      const rows = await readSteps(ledger, keys);
      const results = await Promise.all(keys.map(async (key) => (await resultOf(ledger, rows.get(key)!)).result));
      expect(results).toEqual([1, large, 9]);
    });

    it('of a pure tool do not overwrite a step that was recorded with other input', async () => {
      const { ledger } = database();
      const { many, steps } = aMap('pure', 1);
      const error = { type: 'Tool.Failed', message: 'no', retryable: true };
      await beginStep(ledger, { ...many, ...steps[0]! });
      await failStep(ledger, { key: steps[0]!.key, owner: many.owner, epoch: 1, error });
      const other = { ...steps[0]!, fingerprint: 'other input', result: 1 };
      expect(await recordPureSteps(ledger, many, [other])).toEqual(new Set());
      expect(await recordPureSteps(ledger, many, [{ ...other, fingerprint: steps[0]!.fingerprint }])).toEqual(
        new Set([steps[0]!.key]),
      );
    });
  });

  describe('many steps of a run that is retried', () => {
    it('are reused where they are finished, and where not, say what is known of them', async () => {
      const { ledger } = database();
      const first = aMap('once', 4);
      await beginAll(ledger, first.many, first.steps.slice(0, 3));
      await finishAll(ledger, first.keys.slice(0, 2), first.many.owner);
      const second = aMap('once', 4);
      const changed = second.steps.map((step, index) => (index === 1 ? { ...step, fingerprint: 'other input' } : step));
      const known = await reuseSteps(ledger, { ...second.many, tenant: first.many.tenant }, changed, first.keys);
      expect(await findStep(ledger, second.keys[0]!, 'input 0')).toMatchObject({ result: { value: 0 } });
      expect(await statesOf(ledger, second.keys)).toEqual(['done', undefined, 'unknown', undefined]);
      expect(known.get(second.keys[1]!)).toEqual({ outcomeLost: false });
      expect(known.get(second.keys[2]!)).toEqual({ outcomeLost: false, idempotencyKey: first.keys[2] });
      expect(known.has(second.keys[3]!)).toBe(false);
    });

    it.each([
      ['pure', undefined],
      ['idempotent', 'done'],
    ] as const)('with another definition are reused only if they took effect: %s', async (safety, state) => {
      const { ledger } = database();
      const first = aMap(safety, 1);
      await beginStep(ledger, { ...first.single, ...first.steps[0]! });
      await finishStep(ledger, { key: first.keys[0]!, owner: first.many.owner, epoch: 1, result: { value: 0 } });
      const second = aMap(safety, 1);
      await reuseSteps(ledger, { ...second.many, definitionHash: 'edited' }, second.steps, first.keys);
      expect(await statesOf(ledger, second.keys)).toEqual([state]);
    });
  });

  describe('the batches of a map', () => {
    const batches = [
      { batch: 0, first: 0, items: 2, input: 'a' },
      { batch: 1, first: 2, items: 1, input: 'b' },
    ];
    const totals = (completed: number) => ({
      ...{ completed, failed: 0, repetitions: 0, failures: [] },
      usage: [0, 0, '0'] as [number, number, string],
    });

    it('are stored once, and refuse other items', async () => {
      const { ledger } = database();
      const { runId, scope, tenant } = aMap('pure').many;
      const map = { runId, scope, tenant, path: 'mapReduce#1/map' };
      await storeBatches(ledger, map, batches);
      await storeBatches(ledger, map, batches);
      const other = storeBatches(ledger, map, [{ ...batches[0]!, input: 'c' }]);
      await expect(other).rejects.toMatchObject({ type: 'Step.Mismatch' });
      expect(await readBatches(ledger, map, { from: 1, limit: 5 })).toMatchObject([{ batch: 1, input: 'b', first: 2 }]);
    });

    it('keep the outputs that came first', async () => {
      const { ledger } = database();
      const { runId, scope, tenant } = aMap('pure').many;
      const map = { runId, scope, tenant, path: 'mapReduce#1/map' };
      await storeBatches(ledger, map, batches);
      await finishBatch(ledger, { ...map, batch: 0 }, { output: 'first', totals: totals(2) });
      const second = await finishBatch(ledger, { ...map, batch: 0 }, { output: 'second', totals: totals(1) });
      expect(second).toEqual(totals(2));
      const [row] = await readBatches(ledger, map, { from: 0, limit: 1 });
      expect(row).toMatchObject({ output: 'first', totals: totals(2) });
    });

    it('are erased with their run', async () => {
      const { ledger } = database();
      const { runId, scope, tenant } = aMap('pure').many;
      const map = { runId, scope, tenant, path: 'mapReduce#1/map' };
      await storeBatches(ledger, map, batches);
      await eraseScope(ledger, { tenant, scope });
      expect(await readBatches(ledger, map, { from: 0, limit: 5 })).toEqual([]);
    });
  });

  it('a map is listed as numbers: items by their most urgent step, and not among the steps', async () => {
    const { ledger } = database();
    const { many, steps, keys } = aMap('once', 12);
    const { runId, scope, tenant, owner } = many;
    const map = { runId, scope, tenant, path: 'mapReduce#1/map' };
    await storeBatches(ledger, map, [{ batch: 0, first: 0, items: 20, input: 'a' }]);
    await beginAll(ledger, many, steps);
    await finishAll(ledger, keys.slice(0, 9), owner);
    const error = { type: 'Tool.Failed', message: 'no', retryable: false };
    await failStep(ledger, { key: keys[9]!, owner, epoch: 1, error });
    await failStep(ledger, { key: keys[10]!, owner, epoch: 1, error: { ...error, type: 'Tool.OutcomeUnknown' } });
    const nested = 'mapReduce#1/map/item#0/mapReduce#1/map/item#3';
    await beginStep(ledger, { ...aStep({ runId, path: nested, key: `${runId}/${nested}` }), scope, tenant });
    const alone = aStep({ runId, path: 'report#1' });
    await beginStep(ledger, { ...alone, scope, tenant });
    const period = { from: '2000-01-01T00:00:00Z' };
    expect(await listMaps(ledger, { scope, tenant, period })).toMatchObject([
      { path: 'mapReduce#1/map', items: 20, done: 8, running: 2, failed: 1, unknown: 1, finishedAt: undefined, error },
    ]);
    expect(await listMaps(ledger, { scope, period: { from: '2999-01-01T00:00:00Z' } })).toEqual([]);
    expect((await listSteps(ledger, { scope, alone: true })).map(({ path }) => path)).toEqual(['report#1']);
    expect(await listSteps(ledger, { scope })).toHaveLength(14);
  });
});

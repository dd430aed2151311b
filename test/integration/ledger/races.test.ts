import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { SegnoError } from '../../../core/errors.js';
import { beginStep, finishStep, listSteps, recordPureStep, transcriptNode, usageOfRun } from '../../../ledger/index.js';
import type { BeginStepInput, Ledger } from '../../../ledger/index.js';
import { aModelCall, aStep, describeOnBothDatabases } from './databases.js';

const clients = 16;
const rounds = 25;

describeOnBothDatabases((database, name) => {
  describe(`${clients} clients at once`, () => {
    /** A pool each, as separate processes have: pools of one client would wait for each other before the database. */
    const ledgers: Ledger[] = [];
    beforeAll(async () => {
      for (let client = 0; client < clients; client += 1) {
        ledgers.push(await database().open({ maxConnections: 2 }));
      }
    });

    const atOnce = <T>(work: (ledger: Ledger, client: number) => Promise<T>) =>
      Promise.all(ledgers.map((ledger, client) => work(ledger, client)));

    const outcome = async (work: Promise<{ status: string; epoch?: number }>) => {
      try {
        return await work;
      } catch (error) {
        if (error instanceof SegnoError) return { status: error.type };
        throw error;
      }
    };

    it('begin a once-only effect: exactly one of them may call', async () => {
      for (let round = 0; round < rounds; round += 1) {
        const step = aStep({ safety: 'once' });
        const results = await atOnce((ledger, client) => outcome(beginStep(ledger, { ...step, owner: `w${client}` })));
        expect(results.filter((result) => result.status === 'begun')).toHaveLength(1);
        expect(results.filter((result) => result.status === 'Step.Busy')).toHaveLength(clients - 1);
      }
    });

    it('take over an effect whose lease is over: none of them calls', async () => {
      for (let round = 0; round < rounds; round += 1) {
        const step = aStep({ safety: 'once', leaseMs: 0 });
        await beginStep(database().ledger, step);
        const results = await atOnce((ledger, client) =>
          outcome(beginStep(ledger, { ...step, attempt: 2, owner: `w${client}` })),
        );
        expect(new Set(results.map((result) => result.status))).toEqual(new Set(['Tool.OutcomeUnknown']));
      }
    });

    it('begin a model call: every one that calls has an epoch of its own, and all but the last are counted', async () => {
      for (let round = 0; round < rounds; round += 1) {
        const step = aModelCall();
        const results = await atOnce((ledger, client) => outcome(beginStep(ledger, { ...step, owner: `w${client}` })));
        const epochs = results.filter((result) => result.status === 'begun').map((result) => result.epoch ?? 0);
        expect(new Set(epochs).size).toBe(epochs.length);
        expect(Math.max(...epochs)).toBe(epochs.length);
        const { costPicoUsd } = await usageOfRun(database().ledger, step);
        expect(costPicoUsd).toBe(6_000n * BigInt(epochs.length - 1));
      }
    });

    it('take over while the owner finishes: one result stands, and each attempt is counted once at its real cost', async () => {
      for (let round = 0; round < rounds; round += 1) {
        const step = aModelCall();
        await beginStep(database().ledger, step);
        const call = async (ledger: Ledger, input: BeginStepInput, epoch: number) => {
          const usage = { inputTokens: 10, outputTokens: 1, cachedInputTokens: 0, costPicoUsd: 7n, estimated: false };
          const { key, owner } = input;
          const { fenced } = await finishStep(ledger, { key, owner, epoch, result: { owner }, usage });
          return fenced ? 'fenced' : owner;
        };
        const results = await atOnce(async (ledger, client) => {
          if (client === 0) return call(ledger, step, 1);
          const input = { ...step, owner: `w${client}`, attempt: 1 + (client % 3) };
          const begun = await outcome(beginStep(ledger, input));
          return begun.status === 'begun' ? call(ledger, input, begun.epoch ?? 0) : 'none';
        });
        const winners = results.filter((result) => result !== 'fenced' && result !== 'none');
        expect(winners).toHaveLength(1);
        expect(await beginStep(database().ledger, { ...step, attempt: 9 })).toMatchObject({
          status: 'done',
          result: { owner: winners[0] },
        });
        const called = results.filter((result) => result !== 'none').length;
        const usage = await usageOfRun(database().ledger, step);
        expect(usage).toMatchObject({ costPicoUsd: 7n * BigInt(called), estimated: false });
      }
    });

    it('record a pure step: all of them return the same result', async () => {
      for (let round = 0; round < rounds; round += 1) {
        const step = aStep({ safety: 'pure' });
        const results = await atOnce((ledger, client) => recordPureStep(ledger, { ...step, result: { client } }));
        expect(results.filter((result) => result.status === 'recorded')).toHaveLength(1);
        expect(new Set(results.map((result) => result.resultHash)).size).toBe(1);
      }
    });

    it('write the same messages and documents in different orders without a deadlock', async () => {
      const run = randomUUID();
      const nodes = Array.from({ length: 20 }, (_, index) => transcriptNode(null, { run, index }));
      const blobs = Array.from({ length: 20 }, (_, index) => ({
        bytes: Buffer.from(`${run} ${index}`),
        mediaType: 'text/plain',
      }));
      const results = await atOnce(async (ledger, client) => {
        const step = aStep({ runId: run, scope: run, path: `p#${client}` });
        await beginStep(ledger, step);
        const turn = <T>(items: T[]) => [...items.slice(client), ...items.slice(0, client)];
        const { key, owner } = step;
        return finishStep(ledger, { key, owner, epoch: 1, result: client, nodes: turn(nodes), blobs: turn(blobs) });
      });
      expect(results.every((result) => !result.fenced)).toBe(true);
      expect(await listSteps(database().ledger, { scope: run })).toHaveLength(clients);
    });

    it('keep every increment of interleaved transactions, failed ones in between', async () => {
      const { ledger } = database();
      const table = `segno.increments_${name.toLowerCase()}`;
      await ledger.query(`create table ${table} (id int primary key, value int not null)`);
      await ledger.query(`insert into ${table} values (1, 0)`);
      let failures = 0;
      await atOnce(async (client) => {
        for (let round = 0; round < rounds; round += 1) {
          const increment = client.transaction(async (transaction) => {
            const { rows } = await transaction.query<{ value: number }>(
              `select value from ${table} where id = 1 for update`,
            );
            const next = (rows[0]?.value ?? 0) + 1;
            await transaction.query(`update ${table} set value = $1 where id = 1`, [next]);
            if (round % 5 === 4) await transaction.query('select 1 / $1::int', [0]);
          });
          await increment.catch(() => (failures += 1));
        }
      });
      const { rows } = await ledger.query<{ value: number }>(`select value from ${table}`);
      expect(failures).toBe((clients * rounds) / 5);
      expect(rows[0]?.value).toBe(clients * rounds - failures);
    });
  });
});

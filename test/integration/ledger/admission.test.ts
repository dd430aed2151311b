import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { AdmissionRequest, Candidate, Settlement } from '../../../core/admission/admission.js';
import type { BreakerSettings } from '../../../core/admission/breaker.js';
import { SegnoError } from '../../../core/errors.js';
import {
  beginStep,
  costGroups,
  costsBy,
  expireLeases,
  failStep,
  finishStep,
  type Ledger,
  listGates,
  listWaiting,
  markDead,
  registerWorker,
} from '../../../ledger/index.js';
import type { BeginStepInput } from '../../../ledger/index.js';
import { aModelCall, describeOnBothDatabases } from './databases.js';

const breaker: BreakerSettings = {
  errorRate: 0.5,
  slowRate: 1,
  slowCallMs: 60_000,
  minCalls: 100,
  consecutive: 3,
  openMs: 60_000,
  longestOpenMs: 600_000,
  probes: 1,
};

/** Keys of its own, so that tests share a database without meeting. */
function aGate() {
  const id = randomUUID().slice(0, 8);
  const candidate = (over: Partial<Candidate> = {}): Candidate => ({
    alias: 'default',
    provider: 'openai',
    model: 'small-1',
    inputTokens: 80,
    outputTokens: 20,
    costPicoUsd: 1_000n,
    gates: [`model/${id}`],
    skipOn: [],
    ...over,
  });
  const request = (over: Partial<AdmissionRequest> = {}): AdmissionRequest => ({
    priority: 3,
    budgets: [],
    gates: [{ key: `model/${id}` }],
    candidates: [candidate()],
    ...over,
  });
  return { id, gate: `model/${id}`, budget: `run/${id}`, candidate, request };
}

const settled = (tokens: number, costPicoUsd: bigint, over: Partial<Settlement> = {}): Settlement => ({
  used: { calls: 1, tokens, costPicoUsd },
  health: 'good',
  durationMs: 50,
  ...over,
});
const usage = (inputTokens: number, outputTokens: number, costPicoUsd: bigint) => ({
  inputTokens,
  outputTokens,
  cachedInputTokens: 0,
  costPicoUsd,
  estimated: false,
});

async function ask(ledger: Ledger, admission: AdmissionRequest, over: Partial<BeginStepInput> = {}) {
  const step = aModelCall({ admission, model: undefined, upperBound: undefined, ...over });
  try {
    const begun = await beginStep(ledger, step);
    return { ...begun, step, attempt: { key: step.key, epoch: 'epoch' in begun ? begun.epoch : 0, owner: step.owner } };
  } catch (error) {
    if (!(error instanceof SegnoError)) throw error;
    return { status: error.type, ...error.details, retryAfterMs: error.retryAfterMs, step };
  }
}

async function admitted(ledger: Ledger, admission: AdmissionRequest, over: Partial<BeginStepInput> = {}) {
  const asked = await ask(ledger, admission, over);
  if (!('attempt' in asked)) throw new Error(`not admitted: ${JSON.stringify(asked)}`);
  return asked;
}

describeOnBothDatabases((database) => {
  const budgetRow = async (key: string) => {
    const { rows } = await database().ledger.query<Record<string, string>>(
      `select calls_held, tokens_held, cost_held, calls_spent, tokens_spent, cost_spent from segno.budgets where key = $1`,
      [key],
    );
    return Object.fromEntries(Object.entries(rows[0] ?? {}).map(([name, value]) => [name, Number(value)]));
  };

  it('adds up what calls have cost, of all runs also where only the dearest are listed', async () => {
    const { ledger } = database();
    const { request } = aGate();
    const since = new Date().toISOString();
    const scopes: string[] = [];
    for (const costPicoUsd of [300n, 100n, 200n]) {
      const { attempt, step } = await admitted(ledger, request());
      const settlement = settled(15, costPicoUsd);
      await finishStep(ledger, { ...attempt, result: 1, usage: usage(10, 5, costPicoUsd), settlement });
      scopes.push(step.scope);
    }
    const total = { names: 3, calls: 3, inputTokens: 30, outputTokens: 15, costPicoUsd: 600n };
    const all = await costsBy(ledger, { by: 'run', since });
    expect(all.rows.map(({ name }) => name)).toEqual([scopes[0], scopes[2], scopes[1]]);
    expect(all.total).toMatchObject(total);
    const dearest = await costsBy(ledger, { by: 'run', since, limit: 1 });
    expect(dearest).toMatchObject({ rows: [{ name: scopes[0], calls: 1, costPicoUsd: 300n }], total });
    const none = { rows: [], total: { names: 0, calls: 0, costPicoUsd: 0n } };
    for (const by of costGroups) {
      expect((await costsBy(ledger, { by, since })).total).toMatchObject({ calls: 3, costPicoUsd: 600n });
      expect(await costsBy(ledger, { by, since: '9999-01-01' })).toMatchObject(none);
    }
  });

  describe('a budget', () => {
    it('is held at the upper bound, settled at what was used, and refuses what it cannot pay', async () => {
      const { ledger } = database();
      const { budget, request } = aGate();
      const admission = request({ budgets: [{ key: budget, limits: { tokens: 150, costPicoUsd: 5_000n } }] });
      const first = await admitted(ledger, admission);
      expect(await budgetRow(budget)).toMatchObject({ calls_held: 1, tokens_held: 100, cost_held: 1_000 });
      expect(await ask(ledger, admission)).toMatchObject({ status: 'Admission.Waiting', at: budget, for: 'budget' });
      await finishStep(ledger, {
        ...first.attempt,
        result: 1,
        usage: usage(10, 5, 150n),
        settlement: settled(15, 150n),
      });
      expect(await budgetRow(budget)).toEqual({
        calls_held: 0,
        tokens_held: 0,
        cost_held: 0,
        calls_spent: 1,
        tokens_spent: 15,
        cost_spent: 150,
      });
      const second = await admitted(ledger, admission);
      await failStep(ledger, {
        ...second.attempt,
        error: { type: 'Model.ServerError', message: 'no', retryable: true },
        usage: usage(60, 20, 800n),
        settlement: settled(80, 800n),
      });
      expect(await ask(ledger, admission)).toMatchObject({
        ...{ status: 'Budget.Exceeded', budget, for: 'tokens', unit: 'tokens' },
        ...{ needed: { usd: 1e-9, tokens: 100, calls: 1 } },
      });
    });

    it('names the need of the candidate it refuses, not of those before it', async () => {
      const { ledger } = database();
      const { budget, candidate, request } = aGate();
      const candidates = [candidate({ costPicoUsd: 9_000n, skipOn: ['budget'] }), candidate({ costPicoUsd: 7_000n })];
      const admission = request({ budgets: [{ key: budget, limits: { costPicoUsd: 5_000n } }], candidates });
      expect(await ask(ledger, admission)).toMatchObject({ unit: 'usd', needed: { usd: 7e-9 } });
    });

    it('is asked for what others hold fifty times a second, however many wait', async () => {
      const { ledger } = database();
      const { budget, request } = aGate();
      const admission = request({ budgets: [{ key: budget, limits: { tokens: 150 } }] });
      await admitted(ledger, admission);
      const asked = await Promise.all(Array.from({ length: 30 }, () => ask(ledger, admission)));
      expect(asked.every(({ status }) => status === 'Admission.Waiting')).toBe(true);
      expect(await ask(ledger, admission)).toMatchObject({ for: 'budget', retryAfterMs: 600 });
    });

    it('counts a lease that ran out as spent, and its real usage when it comes after all', async () => {
      const { ledger } = database();
      const { budget, request } = aGate();
      const admission = request({ budgets: [{ key: budget, limits: { tokens: 150 } }] });
      const lost = await admitted(ledger, admission, { leaseMs: 0 });
      expect(await expireLeases(ledger)).toBeGreaterThanOrEqual(1);
      expect(await budgetRow(budget)).toMatchObject({ tokens_held: 0, tokens_spent: 100, calls_spent: 1 });
      expect(await ask(ledger, admission)).toMatchObject({ status: 'Budget.Exceeded' });
      await finishStep(ledger, {
        ...lost.attempt,
        result: 1,
        usage: usage(10, 5, 150n),
        settlement: settled(15, 150n),
      });
      await finishStep(ledger, {
        ...lost.attempt,
        result: 1,
        usage: usage(10, 5, 150n),
        settlement: settled(15, 150n),
      });
      expect(await budgetRow(budget)).toMatchObject({ calls_spent: 1, tokens_spent: 15, cost_spent: 150 });
    });

    it('counts the call of a dead worker as spent, and gives its place to another', async () => {
      const { ledger } = database();
      const { gate, budget, request } = aGate();
      const admission = request({
        budgets: [{ key: budget, limits: { tokens: 1_000 } }],
        gates: [{ key: gate, concurrency: 1 }],
      });
      const owner = randomUUID();
      const process = { hostId: 'h', pid: 1, processStartedAt: '1' };
      await registerWorker(ledger, { instance: owner, identity: owner, ...process, taskQueue: 'q' });
      await admitted(ledger, admission, { owner });
      const waiting = await ask(ledger, admission);
      expect(waiting.status).toBe('Admission.Waiting');
      await markDead(ledger, owner);
      await expireLeases(ledger);
      expect(await budgetRow(budget)).toMatchObject({ tokens_held: 0, tokens_spent: 100 });
      expect((await beginStep(ledger, waiting.step)).status).toBe('begun');
    });

    it('pays for an attempt that is taken over, and for the one that takes over', async () => {
      const { ledger } = database();
      const { budget, request } = aGate();
      const admission = request({ budgets: [{ key: budget, limits: { tokens: 1_000 } }] });
      const first = await admitted(ledger, admission);
      const second = await beginStep(ledger, { ...first.step, attempt: 2, owner: 'worker-b' });
      expect(second).toMatchObject({ status: 'begun', epoch: 2, admitted: { alias: 'default' } });
      expect(await budgetRow(budget)).toMatchObject({ tokens_held: 100, tokens_spent: 100 });
      const late = { ...first.attempt, result: 1, usage: usage(10, 5, 150n), settlement: settled(15, 150n) };
      expect(await finishStep(ledger, late)).toEqual({ fenced: true });
      expect(await budgetRow(budget)).toMatchObject({ tokens_held: 100, tokens_spent: 15 });
    });

    it('ends with its wall time', async () => {
      const { ledger } = database();
      const { budget, request } = aGate();
      const admission = request({ budgets: [{ key: budget, limits: {}, wallMs: 0 }] });
      expect(await ask(ledger, admission)).toMatchObject({ status: 'Budget.Exceeded', for: 'time' });
    });

    it('says how long a call has until its wall time is over', async () => {
      const { ledger } = database();
      const { budget, request } = aGate();
      const budgets = [
        { key: budget, limits: {}, wallMs: 60_000 },
        { key: `${budget}/long`, limits: {}, wallMs: 600_000 },
        { key: `${budget}/endless`, limits: { calls: 9 } },
      ];
      const { admitted: verdict } = (await ask(ledger, request({ budgets }))) as { admitted: { leftMs: number } };
      expect(verdict.leftMs).toBeGreaterThan(50_000);
      expect(verdict.leftMs).toBeLessThanOrEqual(60_000);
      expect(await ask(ledger, request())).not.toHaveProperty('admitted.leftMs');
    });

    it('sends a call it cannot pay to a cheaper model, where there is one', async () => {
      const { ledger } = database();
      const { budget, request, candidate } = aGate();
      const admission = request({
        budgets: [{ key: budget, limits: { costPicoUsd: 500n } }],
        candidates: [candidate({ skipOn: ['budget'] }), candidate({ alias: 'small', costPicoUsd: 400n })],
      });
      expect(await ask(ledger, admission)).toMatchObject({
        status: 'begun',
        admitted: { alias: 'small', skipped: [{ alias: 'default', for: 'budget' }] },
      });
    });
  });

  describe('a limit', () => {
    it('on calls at a time lets so many through, and the next when one has ended', async () => {
      const { ledger } = database();
      const { gate, request } = aGate();
      const admission = request({ gates: [{ key: gate, concurrency: 2 }] });
      const running = await admitted(ledger, admission);
      await admitted(ledger, admission);
      const waiting = await ask(ledger, admission);
      expect(waiting).toMatchObject({ status: 'Admission.Waiting', at: gate, for: 'concurrency', ahead: 0 });
      expect(await ask(ledger, admission)).toMatchObject({ status: 'Admission.Waiting', ahead: 1 });
      const { key, scope } = waiting.step;
      expect(await listWaiting(ledger, { scope })).toMatchObject([
        { key, waitsFor: `concurrency at ${gate}`, others: 1, since: expect.any(String) as string },
      ]);
      await finishStep(ledger, { ...running.attempt, result: 1, settlement: settled(15, 1n) });
      expect(await ask(ledger, admission), 'one that came later').toMatchObject({ status: 'Admission.Waiting' });
      const served = await beginStep(ledger, waiting.step);
      expect(served).toMatchObject({ status: 'begun', admitted: { waitedMs: expect.any(Number) } });
      expect(await listWaiting(ledger, { scope })).toEqual([]);
    });

    it('is asked less often the longer the queue is and calls take', async () => {
      const { ledger } = database();
      const { gate, request } = aGate();
      const admission = request({ gates: [{ key: gate, concurrency: 1 }] });
      const slow = await admitted(ledger, admission);
      await finishStep(ledger, { ...slow.attempt, result: 1, settlement: settled(15, 1n, { durationMs: 24_100 }) });
      await admitted(ledger, admission);
      const pauses: unknown[] = [];
      for (let times = 0; times < 6; times += 1) {
        const asked = await ask(ledger, admission);
        pauses.push('retryAfterMs' in asked && asked.retryAfterMs);
      }
      expect(pauses).toEqual([100, 3_200, 6_300, 9_400, 10_000, 10_000]);
    });

    it('serves by priority first, then tenants in turn', async () => {
      const { ledger } = database();
      const { gate, request } = aGate();
      const gates = [{ key: gate, concurrency: 1 }];
      const running = await admitted(ledger, request({ gates }));
      const waiting: { name: string; step: BeginStepInput }[] = [];
      const comes = async (name: string, tenant: string, priority: number): Promise<void> => {
        const asked = await ask(ledger, request({ gates, priority }), { tenant });
        expect(asked.status).toBe('Admission.Waiting');
        waiting.push({ name, step: asked.step });
      };
      await comes('a1', 'a', 3);
      await comes('a2', 'a', 3);
      await comes('a3', 'a', 3);
      await comes('b1', 'b', 3);
      await comes('b2', 'b', 3);
      await comes('urgent', 'a', 1);
      await finishStep(ledger, { ...running.attempt, result: 1, settlement: settled(1, 1n) });
      const served: string[] = [];
      while (served.length < 6) {
        for (const { name, step } of waiting.filter((each) => !served.includes(each.name))) {
          const begun = await beginStep(ledger, step).catch(() => undefined);
          if (begun?.status !== 'begun') continue;
          served.push(name);
          const attempt = { key: step.key, epoch: begun.epoch, owner: step.owner };
          await finishStep(ledger, { ...attempt, result: 1, settlement: settled(1, 1n) });
        }
      }
      expect(served).toEqual(['urgent', 'b1', 'a1', 'b2', 'a2', 'a3']);
    });

    it('on requests and tokens a minute says how long to wait, and gives back what was not used', async () => {
      const { ledger } = database();
      const { gate, request } = aGate();
      const admission = request({ gates: [{ key: gate, requestsPerMinute: 3, tokensPerMinute: 210 }] });
      const first = await admitted(ledger, admission);
      const second = await admitted(ledger, admission);
      const waiting = await ask(ledger, admission);
      expect(waiting).toMatchObject({ status: 'Admission.Waiting', for: 'tokens' });
      expect(waiting).toMatchObject({ retryAfterMs: expect.any(Number) });
      await finishStep(ledger, { ...first.attempt, result: 1, settlement: settled(5, 1n) });
      expect((await beginStep(ledger, waiting.step)).status).toBe('begun');
      await finishStep(ledger, { ...second.attempt, result: 1, settlement: settled(5, 1n) });
      expect(await ask(ledger, admission)).toMatchObject({ status: 'Admission.Waiting', for: 'requests' });
    });

    it('believes a provider that has less left than we think', async () => {
      const { ledger } = database();
      const { gate, request } = aGate();
      const admission = request({ gates: [{ key: gate, requestsPerMinute: 100 }] });
      const first = await admitted(ledger, admission);
      await finishStep(ledger, {
        ...first.attempt,
        result: 1,
        settlement: settled(5, 1n, { remaining: { requests: 0 } }),
      });
      expect(await ask(ledger, admission)).toMatchObject({ status: 'Admission.Waiting', for: 'requests' });
    });
  });

  describe('a breaker', () => {
    const failTimes = async (ledger: Ledger, admission: AdmissionRequest, times: number): Promise<void> => {
      for (let time = 0; time < times; time += 1) {
        const { attempt } = await admitted(ledger, admission);
        await failStep(ledger, {
          ...attempt,
          error: { type: 'Model.ServerError', message: 'no', retryable: true },
          settlement: settled(0, 0n, { health: 'fault', fault: 'Model.ServerError' }),
        });
      }
    };

    it('opens on faults in a row; calls go to the fallback, or wait where there is none', async () => {
      const { ledger } = database();
      const { id, gate, request, candidate } = aGate();
      const gates = [{ key: gate, breaker }, { key: `model/${id}/other` }];
      const alone = request({ gates });
      await failTimes(ledger, alone, 3);
      expect(await ask(ledger, alone)).toMatchObject({ status: 'Admission.Waiting', for: 'outage', at: gate });
      const other = candidate({ alias: 'other', gates: [`model/${id}/other`] });
      const withFallback = request({ gates, candidates: [candidate({ skipOn: ['outage'] }), other] });
      expect(await ask(ledger, withFallback)).toMatchObject({
        status: 'begun',
        admitted: { alias: 'other', skipped: [{ alias: 'default', for: 'outage' }] },
      });
    });

    it('leaves a provider alone for as long as it has said; calls go to the fallback, or wait where there is none', async () => {
      const { ledger } = database();
      const { budget, gate, candidate, request } = aGate();
      const gates = [{ key: gate, breaker }];
      const refused = await admitted(ledger, request({ gates }));
      await failStep(ledger, {
        ...refused.attempt,
        error: { type: 'Model.RateLimited', message: 'later', retryable: true },
        settlement: settled(0, 0n, { health: 'neutral', fault: 'Model.RateLimited', pauseMs: 9e9 }),
      });
      const waiting = (await ask(ledger, request({ gates }))) as { retryAfterMs: number };
      expect(waiting).toMatchObject({ status: 'Admission.Waiting', at: gate, for: 'rateLimit' });
      expect(waiting.retryAfterMs).toBeGreaterThan(50_000);
      expect(waiting.retryAfterMs).toBeLessThanOrEqual(60_000);
      const hurried = (await ask(
        ledger,
        request({ gates, budgets: [{ key: budget, limits: {}, wallMs: 5_000 }] }),
      )) as {
        retryAfterMs: number;
      };
      expect(hurried.retryAfterMs, 'until its budget is over').toBeLessThanOrEqual(5_000);
      expect((await listGates(ledger)).find(({ key }) => key === gate)).toMatchObject({
        pausedUntil: expect.any(String),
        lastFault: { type: 'Model.RateLimited' },
      });
      const other = { key: `${gate}-other` };
      const candidates = [candidate({ skipOn: ['rateLimit'] }), candidate({ alias: 'small', gates: [other.key] })];
      expect(await ask(ledger, request({ gates: [...gates, other], candidates }))).toMatchObject({
        admitted: { alias: 'small', skipped: [{ alias: 'default', for: 'rateLimit' }] },
      });
      const outage = [candidate({ skipOn: ['outage'] }), candidate({ alias: 'small', gates: [other.key] })];
      expect(await ask(ledger, request({ gates: [...gates, other], candidates: outage }))).toMatchObject({
        status: 'Admission.Waiting',
      });
    });

    it('lets one probe through when its time is over, and closes when that goes well', async () => {
      const { ledger } = database();
      const { gate, request } = aGate();
      const admission = request({ gates: [{ key: gate, breaker: { ...breaker, openMs: 0 } }] });
      await failTimes(ledger, admission, 3);
      const probe = await admitted(ledger, admission);
      const behind = await ask(ledger, admission);
      expect(behind).toMatchObject({ status: 'Admission.Waiting', for: 'outage' });
      await finishStep(ledger, { ...probe.attempt, result: 1, settlement: settled(5, 1n) });
      expect((await beginStep(ledger, behind.step)).status).toBe('begun');
      const { rows } = await ledger.query('select breaker, openings from segno.gates where key = $1', [gate]);
      expect(rows).toEqual([{ breaker: 'closed', openings: 0 }]);
    });
  });
});

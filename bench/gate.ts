/** The gate on a PostgreSQL of its own: what admitting and settling add to a recorded call, alone and under load on one hot budget. */
import { randomUUID } from 'node:crypto';
import type { AdmissionRequest } from '../core/admission/admission.js';
import { beginStep, finishStep, type Ledger, migrateLedger, openLedger } from '../ledger/index.js';
import { startPostgres } from '../testing/postgres.js';
import { format, ratio, type Row, spread } from './statistics.js';

const rounds = 5;
const target = { pairMs: 3, perSecond: 1_500 };
const usage = { inputTokens: 10, outputTokens: 5, cachedInputTokens: 0, costPicoUsd: 15n, estimated: false };
const used = { calls: 1, tokens: 15, costPicoUsd: 15n };

/** One budget of the given number, and a model with limits and a breaker. */
function admissionOf(budget: number): AdmissionRequest {
  const gates = ['model/bench'];
  return {
    priority: 3,
    budgets: [{ key: `named/bench-${budget}`, limits: { tokens: 1e15, costPicoUsd: 10n ** 18n } }],
    gates: [
      {
        key: gates[0]!,
        concurrency: 10_000,
        requestsPerMinute: 1e9,
        breaker: {
          ...{ errorRate: 0.5, slowRate: 1, slowCallMs: 60_000, minCalls: 20, consecutive: 5 },
          ...{ openMs: 10_000, longestOpenMs: 300_000, probes: 1 },
        },
      },
    ],
    candidates: [
      {
        alias: 'default',
        provider: 'p',
        model: 'm',
        inputTokens: 80,
        outputTokens: 20,
        costPicoUsd: 100n,
        gates,
        skipOn: [],
      },
    ],
  };
}

/** A model call as a worker records it, without the model. */
async function call(ledger: Ledger, admission: AdmissionRequest | undefined): Promise<void> {
  const runId = randomUUID();
  const key = `${runId}/agent#1/turn#1`;
  const begun = await beginStep(ledger, {
    ...{ key, runId, workflowId: 'bench', scope: runId, tenant: 'default', path: 'agent#1/turn#1' },
    ...{ kind: 'model', name: 'agent', definitionHash: 'd', fingerprint: 'f', safety: 'idempotent' },
    ...{ owner: 'bench', attempt: 1, leaseMs: 60_000, admission },
  });
  if (begun.status !== 'begun') throw new Error('the call was not begun');
  await finishStep(ledger, {
    ...{ key, epoch: begun.epoch, owner: 'bench', result: { head: key }, usage },
    ...(admission && { settlement: { used, health: 'good', durationMs: 20, remaining: {} } }),
  });
}

/** @returns milliseconds of each of so many calls, one after the other */
async function alone(ledger: Ledger, admission: AdmissionRequest | undefined, times: number): Promise<number[]> {
  const took: number[] = [];
  for (let time = 0; time < times; time += 1) {
    const started = performance.now();
    await call(ledger, admission);
    took.push(performance.now() - started);
  }
  return took;
}

/** @returns calls a second of 64 callers in two workers */
async function together(ledgers: readonly Ledger[], budgets: number, calls: number): Promise<number> {
  let left = calls;
  const started = performance.now();
  const caller = async (_: unknown, index: number): Promise<void> => {
    const admission = budgets > 0 ? admissionOf(index % budgets) : undefined;
    while ((left -= 1) >= 0) await call(ledgers[index % ledgers.length]!, admission);
  };
  await Promise.all(Array.from({ length: 64 }, caller));
  return (calls * 1_000) / (performance.now() - started);
}

/** @returns milliseconds that admitting and settling add to a recorded call */
export async function addedByGate(ledger: Ledger): Promise<number> {
  const gated = spread(await alone(ledger, admissionOf(0), 300)).median;
  return gated - spread(await alone(ledger, undefined, 300)).median;
}

export async function benchGate(): Promise<Row[]> {
  const postgres = await startPostgres();
  const open = (): Promise<Ledger> => openLedger({ connectionString: postgres.url });
  const ledgers = [await open(), await open()];
  try {
    const ledger = ledgers[0]!;
    await migrateLedger(ledger);
    await alone(ledger, admissionOf(0), 200);
    const gated: number[] = [];
    const plain: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      gated.push(spread(await alone(ledger, admissionOf(0), 300)).median);
      plain.push(spread(await alone(ledger, undefined, 300)).median);
    }
    const added = spread(gated.map((ms, round) => ms - plain[round]!));
    const rows: Row[] = [
      {
        figure: 'a call begun, admitted, settled and recorded, one after the other',
        value: `${format(spread(gated), 'ms')}; ${format(ratio(gated, plain), '×', 2)} without the gate`,
        target: `at most ${target.pairMs} ms`,
        met: spread(gated).median <= target.pairMs,
      },
      {
        figure: 'of that, admitting and settling: what they add to the recorded call',
        value: format(added, 'ms'),
      },
    ];
    for (const budgets of [0, 1, 4, 16, 64]) {
      const rates: number[] = [];
      for (let round = 0; round < rounds; round += 1) rates.push(await together(ledgers, budgets, 3_000));
      const { median } = spread(rates);
      rows.push({
        figure: `64 callers in two workers, ${budgets === 0 ? 'no gate' : budgets === 1 ? 'one hot budget' : `${budgets} budgets`}`,
        value: format(spread(rates), 'calls/s', 0),
        ...(budgets === 1 && { target: `at least ${target.perSecond}`, met: median >= target.perSecond }),
      });
    }
    return rows;
  } finally {
    for (const ledger of ledgers) await ledger.close();
    await postgres.stop();
  }
}

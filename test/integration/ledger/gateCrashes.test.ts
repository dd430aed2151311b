/**
 * Many clients, one budget, crashes between admission and settlement: nothing is overshot, and the books add up to what the provider
 * has counted, but for the leases that ran out. `SEGNO_CHAOS=full` makes it 100,000 calls, SEGNO_SEED=<n> repeats it.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { SegnoError } from '../../../core/errors.js';
import { beginStep, expireLeases, failStep, finishStep, type Ledger } from '../../../ledger/index.js';
import { seedOfThisRun } from '../../../testing/chaos.js';
import { seeded } from '../../chaos/random.js';
import { aModelCall, describeOnBothDatabases } from './databases.js';
import { full } from '../../chaos/inFull.js';

const clients = 32;
const upper = { inputTokens: 80, outputTokens: 40, costPicoUsd: 1_200n };
const upperTokens = upper.inputTokens + upper.outputTokens;
const concurrency = 20;

describeOnBothDatabases((database, name) => {
  const long = full && name === 'PostgreSQL';
  const calls = long ? 100_000 : 600;

  it(`${clients} clients and ${calls} calls: no budget is overshot, no settlement lost, no call uncounted`, async () => {
    const seed = seedOfThisRun();
    console.log(`SEGNO_SEED=${seed}`);
    const random = seeded(seed).next;
    const id = randomUUID();
    const budget = `named/${id}`;
    const gate = `model/${id}`;
    // Enough for about four fifths of the calls.
    const limit = Math.round(calls * upperTokens * 0.45);
    const admission = {
      priority: 3,
      budgets: [{ key: budget, limits: { tokens: limit } }],
      gates: [{ key: gate, concurrency }],
      candidates: [{ alias: 'default', provider: 'p', model: 'm', ...upper, gates: [gate], skipOn: [] as [] }],
    };
    const provider = { calls: 0, tokens: 0, running: 0, mostRunning: 0 };
    /** What leases that ran out count beyond what the provider does. */
    const lost = { calls: 0, tokens: 0 };
    const refused = { exceeded: 0 };
    let left = calls;
    let overshot = 0;

    const oneCall = async (ledger: Ledger): Promise<void> => {
      const step = aModelCall({ admission, model: undefined, upperBound: undefined, leaseMs: 600_000 });
      let epoch: number | undefined;
      for (let tries = 0; epoch === undefined; tries += 1) {
        try {
          const begun = await beginStep(ledger, step);
          if (begun.status === 'begun') epoch = begun.epoch;
        } catch (error) {
          if (!(error instanceof SegnoError)) throw error;
          if (error.type === 'Budget.Exceeded') {
            refused.exceeded += 1;
            return;
          }
          if (error.type !== 'Admission.Waiting' || tries > 2_000) throw error;
          await delay(Math.min(error.retryAfterMs ?? 0, 20));
        }
      }
      const attempt = { key: step.key, epoch, owner: step.owner };
      const [inputTokens, outputTokens] = [Math.floor(random() * 80), Math.floor(random() * 40)];
      const tokens = inputTokens + outputTokens;
      const fate = random();
      if (fate < 0.05) {
        // Its worker dies before it calls, or before it can say what the call used.
        const called = fate < 0.03;
        if (called) {
          provider.calls += 1;
          provider.tokens += tokens;
        }
        lost.calls += called ? 0 : 1;
        lost.tokens += upperTokens - (called ? tokens : 0);
        await ledger.query('update segno.leases set lease_until = now() where step_key = $1', [step.key]);
        return;
      }
      provider.calls += 1;
      provider.tokens += tokens;
      provider.running += 1;
      provider.mostRunning = Math.max(provider.mostRunning, provider.running);
      await delay(random() * 3);
      provider.running -= 1;
      const costPicoUsd = BigInt(tokens * 10);
      const ended = {
        ...attempt,
        usage: { inputTokens, outputTokens, cachedInputTokens: 0, costPicoUsd, estimated: false },
        settlement: { used: { calls: 1, tokens, costPicoUsd }, health: 'good' as const, durationMs: 2 },
      };
      if (fate < 0.08) {
        // It is stalled until its lease has run out, and comes back.
        await ledger.query('update segno.leases set lease_until = now() where step_key = $1', [step.key]);
        await expireLeases(ledger);
      }
      const end =
        fate < 0.2
          ? () => failStep(ledger, { ...ended, error: { type: 'Model.ServerError', message: 'no', retryable: true } })
          : () => finishStep(ledger, { ...ended, result: tokens });
      await end();
      // The answer to the first settlement was lost: it is made again.
      if (random() < 0.1) await end();
    };

    const ledgers = await Promise.all(
      Array.from({ length: clients }, () => database().open({ maxConnections: 1, queryTimeoutMs: 120_000 })),
    );
    const watching = new AbortController();
    const watcher = (async () => {
      while (!watching.signal.aborted) {
        const { rows } = await database().ledger.query<{ over: boolean }>(
          'select tokens_spent + tokens_held > tokens_limit as over from segno.budgets where key = $1',
          [budget],
        );
        if (rows[0]?.over) overshot += 1;
        await expireLeases(database().ledger);
        await delay(10);
      }
    })();
    await Promise.all(
      ledgers.map(async (ledger) => {
        while (left > 0) {
          left -= 1;
          await oneCall(ledger);
        }
      }),
    );
    watching.abort();
    await watcher;
    while ((await expireLeases(database().ledger)) > 0);

    const { rows } = await database().ledger.query<Record<string, string>>(
      `select b.calls_spent, b.tokens_spent, b.tokens_held, b.calls_held, g.in_use,
         (select count(*) from segno.leases l where l.budgets @> array[b.key] and l.state = 'open') as open_leases,
         (select count(*) from segno.attempts a where a.budgets @> array[b.key]) as attempts,
         (select sum(coalesce(a.input_tokens, 0) + coalesce(a.output_tokens, 0)) from segno.attempts a where a.budgets @> array[b.key]) as attempt_tokens
       from segno.budgets b, segno.gates g where b.key = $1 and g.key = $2`,
      [budget, gate],
    );
    const books = Object.fromEntries(Object.entries(rows[0] ?? {}).map(([column, value]) => [column, Number(value)]));
    expect(overshot, 'looks at a budget that was overshot').toBe(0);
    expect(provider.mostRunning).toBeLessThanOrEqual(concurrency);
    expect(refused.exceeded, 'the budget was met').toBeGreaterThan(0);
    expect(books['tokens_spent']).toBeLessThanOrEqual(limit);
    expect(books).toEqual({
      calls_spent: provider.calls + lost.calls,
      tokens_spent: provider.tokens + lost.tokens,
      tokens_held: 0,
      calls_held: 0,
      in_use: 0,
      open_leases: 0,
      attempts: calls - refused.exceeded,
      attempt_tokens: provider.tokens + lost.tokens,
    });
  }, 1_800_000);
});

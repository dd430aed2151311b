/** The gate's SQL decides as core/admission does: the same random histories, side by side. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  afterCall,
  type Breaker,
  type BreakerSettings,
  type CallHealth,
  closedBreaker,
  passThrough,
} from '../../../core/admission/breaker.js';
import { type SlidingWindow, slotCount, slotMs, waitMsFor, windowAt } from '../../../core/admission/slidingWindow.js';
import { describeOnBothDatabases } from './databases.js';

const startMs = 1_790_000_000_000;
const settings: BreakerSettings = {
  errorRate: 0.5,
  slowRate: 0.75,
  slowCallMs: 1_000,
  minCalls: 8,
  consecutive: 4,
  costPicoUsd: 900,
  openMs: 10_000,
  longestOpenMs: 60_000,
  probes: 2,
};
const slots = fc.array(fc.integer({ min: 0, max: 100 }), { minLength: slotCount, maxLength: slotCount });

interface StoredBreaker {
  breaker: Breaker['state'];
  open_until: Date | null;
  openings: number;
  round: number;
  probing: number;
  probed: number;
  faults_in_row: number;
}

describeOnBothDatabases((database) => {
  it('moves windows, and waits for them, as the core does', async () => {
    const moments = fc.record({ afterMs: fc.integer({ min: -20_000, max: 90_000 }), slots });
    await fc.assert(
      fc.asyncProperty(
        moments,
        fc.integer({ min: 0, max: 600 }),
        fc.integer({ min: 1, max: 600 }),
        async ({ afterMs, slots: used }, need, limit) => {
          const window: SlidingWindow = { newest: Math.floor(startMs / slotMs), slots: used };
          const nowMs = startMs + afterMs;
          const { rows } = await database().ledger.query<{ moved: string[]; wait_ms: string }>(
            `select moved, segno.window_wait_ms(moved, $4, $5, $6) as wait_ms
             from segno.window_at($1::bigint[], $2, $3) as moved`,
            [used, window.newest, Math.floor(nowMs / slotMs), need, limit, nowMs],
          );
          const moved = windowAt(window, nowMs);
          expect(rows[0]?.moved.map(Number)).toEqual(moved.slots);
          expect(Number(rows[0]?.wait_ms)).toBe(waitMsFor(moved, need, limit, nowMs));
        },
      ),
      { numRuns: 150 },
    );
  });

  it('opens and closes breakers as the core does', async () => {
    const outcome = fc.record({
      afterMs: fc.integer({ min: 0, max: 30_000 }),
      health: fc.constantFrom<CallHealth>('good', 'fault', 'fault', 'neutral'),
      durationMs: fc.constantFrom(10, 5_000),
      costPicoUsd: fc.integer({ min: 0, max: 300 }),
      asks: fc.boolean(),
    });
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(outcome, { minLength: 1, maxLength: 25 }), async (outcomes) => {
        const { ledger } = database();
        const key = `model/breaker-${(runs += 1)}`;
        const stored = { ...settings, cost: settings.costPicoUsd };
        await ledger.query(`insert into segno.gates (key, settings) values ($1, $2::jsonb)`, [
          key,
          JSON.stringify({ key, breaker: stored }),
        ]);
        let nowMs = startMs;
        let breaker = closedBreaker;
        for (const { afterMs, asks, ...call } of outcomes) {
          nowMs += afterMs;
          let probeOf: number | undefined;
          const pass = asks ? passThrough(breaker, settings, nowMs) : undefined;
          if (pass && !pass.passes) continue;
          if (pass) ({ breaker, probeOf } = pass);
          breaker = afterCall(breaker, settings, { ...call, probeOf }, nowMs);
          // To let a probe through is admit's: here it is written down, and the end of the call is the database's.
          await ledger.query(
            `update segno.gates set
               breaker = case when $2::int is null then breaker else 'halfOpen' end,
               probed = case when $2::int is not null and breaker = 'open' then 0 else probed end,
               probing = case when $2::int is null then probing when breaker = 'open' then 1 else probing + 1 end,
               newest = $3, calls = segno.window_at(calls, newest, $3), faults = segno.window_at(faults, newest, $3),
               slow = segno.window_at(slow, newest, $3), spent = segno.window_at(spent, newest, $3)
             where key = $1`,
            [key, probeOf ?? null, Math.floor(nowMs / slotMs)],
          );
          const outcomeJson = JSON.stringify({ ...call, cost: call.costPicoUsd });
          const { rows } = await ledger.query<StoredBreaker>(
            `select (e.gate).*, segno.store_gates(array[e.gate])
             from (select segno.after_call(g, $2::jsonb, $3::int, to_timestamp($4::float8 / 1000)) as gate
                   from segno.gates g where key = $1 offset 0) e`,
            [key, outcomeJson, probeOf ?? null, nowMs],
          );
          const row = rows[0];
          if (!row) throw new Error('no gate');
          expect({
            state: row.breaker,
            openUntilMs: row.breaker === 'open' ? row.open_until?.getTime() : 0,
            openings: row.openings,
            round: row.round,
            probing: row.probing,
            probed: row.probed,
            faultsInRow: row.faults_in_row,
          }).toEqual({
            state: breaker.state,
            openUntilMs: breaker.state === 'open' ? breaker.openUntilMs : 0,
            openings: breaker.openings,
            round: breaker.round,
            probing: breaker.probing,
            probed: breaker.probed,
            faultsInRow: breaker.faultsInRow,
          });
        }
      }),
      { numRuns: 40 },
    );
  });
});

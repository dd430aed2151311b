/** What people and programs read of gates: how full a provider, a model or a tenant is, how it does, and who waits. */
import { usedIn, windowAt } from '../../core/admission/slidingWindow.js';
import type { Ledger } from '../openLedger.js';
import type { ProgressWait } from '../../core/progressStep.js';
import type { RunQuery } from '../runs.js';

export interface GateState {
  /** `model/PROVIDER/MODEL`, `provider/NAME`, `tenant/NAME`. */
  readonly key: string;
  /** Undefined where there is no limit. */
  readonly limits: {
    readonly concurrency?: number;
    readonly requestsPerMinute?: number;
    readonly tokensPerMinute?: number;
    readonly costPicoUsdPerMinute?: bigint;
  };
  /** Calls under way. */
  readonly running: number;
  /** Of the last minute; what calls under way may still use counts. */
  readonly used: { readonly requests: number; readonly tokens: number; readonly costPicoUsd: bigint };
  /** Of a model’s gate; `off` where the config says so. */
  readonly breaker: 'closed' | 'open' | 'halfOpen' | 'off';
  /** ISO 8601; of an open breaker. */
  readonly openUntil: string | undefined;
  /** ISO 8601; the provider wants to be left alone until then. */
  readonly pausedUntil: string | undefined;
  /** The newest fault, and when it was. */
  readonly lastFault: { readonly type: string; readonly at: string } | undefined;
  /** Calls that wait here. */
  readonly waiting: number;
}

interface GateRow {
  key: string;
  settings: { concurrency?: number; requests?: number; tokens?: number; cost?: string; breaker?: object };
  in_use: number;
  newest: string;
  requests: string[];
  tokens: string[];
  cost: string[];
  breaker: 'closed' | 'open' | 'halfOpen';
  open_until: Date | null;
  paused_until: Date | null;
  last_fault: string | null;
  last_fault_at: Date | null;
  waiting: number;
  now_ms: number;
}

export async function listGates(ledger: Ledger): Promise<GateState[]> {
  const { rows } = await ledger.query<GateRow>(
    `select g.*, (extract(epoch from clock_timestamp()) * 1000)::float8 as now_ms,
       (select count(*)::int from segno.tickets t where t.gate = g.key and t.stays_until > now()) as waiting
     from segno.gates g order by g.key`,
    [],
    { idempotent: true },
  );
  return rows.map(gateState);
}

function gateState(row: GateRow): GateState {
  const used = (slots: readonly string[]): number =>
    usedIn(windowAt({ newest: Number(row.newest), slots: slots.map(Number) }, row.now_ms));
  const { concurrency, requests, tokens, cost, breaker } = row.settings;
  const open = row.breaker === 'open' && row.open_until !== null;
  return {
    key: row.key,
    limits: {
      ...(concurrency !== undefined && { concurrency }),
      ...(requests !== undefined && { requestsPerMinute: requests }),
      ...(tokens !== undefined && { tokensPerMinute: tokens }),
      ...(cost !== undefined && { costPicoUsdPerMinute: BigInt(cost) }),
    },
    running: row.in_use,
    used: { requests: used(row.requests), tokens: used(row.tokens), costPicoUsd: BigInt(used(row.cost)) },
    breaker: breaker ? row.breaker : 'off',
    openUntil: open ? row.open_until?.toISOString() : undefined,
    pausedUntil:
      row.paused_until && row.paused_until.getTime() > row.now_ms ? row.paused_until.toISOString() : undefined,
    lastFault:
      row.last_fault === null ? undefined : { type: row.last_fault, at: row.last_fault_at?.toISOString() ?? '' },
    waiting: row.waiting,
  };
}

/** A call the gate has told to come again. */
export interface WaitingCall extends Readonly<Omit<ProgressWait, 'path'>> {
  /** Its step's. */
  readonly key: string;
}

/** Those of a run, who has waited longest first. One that was given up is known here until it would have asked again. */
export async function listWaiting(ledger: Ledger, { scope, tenant }: RunQuery): Promise<WaitingCall[]> {
  const { rows } = await ledger.query<{ key: string; waits_for: string; since: Date; others: number }>(
    `with live as (select * from segno.tickets where stays_until > now()
     ), at_gates as (select gate, count(*)::int as waiting from live group by gate
     ), own as (
       select distinct on (step_key) step_key as key, reason || ' at ' || gate as waits_for,
         min(created_at) over (partition by step_key) as since, waiting - 1 as others
       from live join at_gates using (gate) where scope = $1 and ($2::text is null or tenant = $2)
       order by step_key, stays_until desc
     )
     select * from own order by since, key limit 10000`,
    [scope, tenant ?? null],
    { idempotent: true },
  );
  return rows.map(({ key, waits_for: waitsFor, since, others }) => ({
    ...{ key, waitsFor, others },
    since: since.toISOString(),
  }));
}

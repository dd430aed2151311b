/** What people and programs read of gates: how full a provider, a model or a tenant is, how it does, and who waits. */
import { usedIn, windowAt } from '../../core/admission/slidingWindow.js';
import type { Ledger } from '../openLedger.js';

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
    lastFault:
      row.last_fault === null ? undefined : { type: row.last_fault, at: row.last_fault_at?.toISOString() ?? '' },
    waiting: row.waiting,
  };
}

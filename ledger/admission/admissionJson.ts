/** What the gate's SQL functions take and give, as JSON (ledger/functions/). Money goes as decimal text. */
import type {
  AdmissionRequest,
  AdmissionWait,
  BudgetExhausted,
  Settlement,
  Skipped,
} from '../../core/admission/admission.js';

export type Verdict = (
  | {
      do: 'go';
      candidate: { alias: string; inputTokens: number; outputTokens: number };
      waitedMs: number | null;
      /** `REASON at GATE` */
      waitedFor: string | null;
      /** Until the wall time of one of its budgets is over. */
      leftMs: number | null;
    }
  | ({ do: 'wait' } & AdmissionWait)
  | ({ do: 'exhausted' } & BudgetExhausted)
) & { skipped?: Skipped[] };

export interface AdmissionHolder {
  readonly tenant: string;
  readonly scope: string;
  readonly leaseMs: number;
}

/** One call, for `segno.admit`. */
export function admissionJson(holder: AdmissionHolder, request: AdmissionRequest): string {
  return JSON.stringify({
    ...askOf(holder, request),
    budgets: budgetsOf(holder, request),
    gates: gatesOf(request),
  });
}

interface Asking extends AdmissionHolder {
  readonly key: string;
  readonly admission: AdmissionRequest;
}

/** First attempts that come together, for `segno.admit_group`: each budget and each gate once. */
export function admissionGroup(calls: readonly Asking[]) {
  const budgets = new Map<string, unknown>();
  const gates = new Map<string, unknown>();
  for (const call of calls) {
    for (const budget of budgetsOf(call, call.admission)) budgets.set(budget.key, budget);
    for (const gate of gatesOf(call.admission)) gates.set(gate.key, gate);
  }
  return {
    budgets: [...budgets.values()],
    gates: [...gates.values()],
    asks: calls.map((call) => ({
      ...askOf(call, call.admission),
      key: call.key,
      epoch: 1,
      budgets: call.admission.budgets.map(({ key }) => key),
    })),
  };
}

function askOf({ tenant, scope, leaseMs }: AdmissionHolder, { priority, candidates }: AdmissionRequest) {
  return {
    tenant,
    scope,
    leaseMs,
    priority,
    candidates: candidates.map(({ costPicoUsd, ...candidate }) => ({ ...candidate, cost: costPicoUsd.toString() })),
  };
}

function budgetsOf({ tenant, scope }: AdmissionHolder, { budgets }: AdmissionRequest) {
  return budgets.map(({ key, limits, wallMs }) => ({
    key,
    tenant,
    scope: /^(run|call|scope)\//.test(key) ? scope : null,
    calls: limits.calls,
    tokens: limits.tokens,
    cost: limits.costPicoUsd?.toString(),
    wallMs,
  }));
}

function gatesOf({ gates }: AdmissionRequest) {
  return gates.map((gate) => ({
    key: gate.key,
    concurrency: gate.concurrency,
    requests: gate.requestsPerMinute,
    tokens: gate.tokensPerMinute,
    cost: gate.costPicoUsdPerMinute?.toString(),
    breaker: gate.breaker && { ...gate.breaker, costPicoUsd: undefined, cost: gate.breaker.costPicoUsd },
  }));
}

export interface Settling extends Settlement {
  readonly key: string;
  readonly epoch: number;
}

/** For `segno.settle_group`. */
export function settlementOf({ used, ...settlement }: Settling) {
  return { ...settlement, calls: used.calls, tokens: used.tokens, cost: used.costPicoUsd.toString() };
}

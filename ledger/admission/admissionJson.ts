/** What the gate's SQL functions take and give, as JSON (ledger/migrations/migration004.ts). Money goes as decimal text. */
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
    }
  | ({ do: 'wait' } & AdmissionWait)
  | ({ do: 'exhausted' } & BudgetExhausted)
) & { skipped?: Skipped[] };

export interface AdmissionHolder {
  readonly tenant: string;
  readonly scope: string;
  readonly leaseMs: number;
}

export function admissionJson({ tenant, scope, leaseMs }: AdmissionHolder, request: AdmissionRequest): string {
  return JSON.stringify({
    tenant,
    scope,
    leaseMs,
    priority: request.priority,
    budgets: request.budgets.map(({ key, limits, wallMs }) => ({
      key,
      tenant,
      scope: /^(run|call|scope)\//.test(key) ? scope : null,
      calls: limits.calls,
      tokens: limits.tokens,
      cost: limits.costPicoUsd?.toString(),
      wallMs,
    })),
    gates: request.gates.map((gate) => ({
      key: gate.key,
      concurrency: gate.concurrency,
      requests: gate.requestsPerMinute,
      tokens: gate.tokensPerMinute,
      cost: gate.costPicoUsdPerMinute?.toString(),
      breaker: gate.breaker && { ...gate.breaker, costPicoUsd: undefined, cost: gate.breaker.costPicoUsd },
    })),
    candidates: request.candidates.map(({ costPicoUsd, ...candidate }) => ({
      ...candidate,
      cost: costPicoUsd.toString(),
    })),
  });
}

export function settlementJson({ used, ...settlement }: Settlement): string {
  return JSON.stringify({
    ...settlement,
    calls: used.calls,
    tokens: used.tokens,
    cost: used.costPicoUsd.toString(),
  });
}

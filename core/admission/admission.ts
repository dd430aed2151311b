/** What the gate is asked before a model call, and what it says. */
import type { Amounts, BudgetLimits } from './budget.js';
import type { BreakerSettings, CallHealth } from './breaker.js';

/** A budget the call is to be held of; it begins with the first call that names it. */
export interface BudgetDemand {
  /** `run/…`, `call/…`, `scope/…`, `named/…`, `tenant/…`; the last two end with their calendar window. */
  readonly key: string;
  readonly limits: BudgetLimits;
  /** Wall time from the budget's first call on. */
  readonly wallMs?: number | undefined;
  /** Shares of it at which whoever settles a call is to warn. */
  readonly warnAt?: readonly number[] | undefined;
  /** When it is used up, a person is asked for more, and has so long to answer. */
  readonly answerWithinMs?: number | undefined;
}

/** Limits of one provider (`provider/NAME`), model (`model/PROVIDER/MODEL`) or tenant (`tenant/NAME`). */
export interface GateDemand {
  readonly key: string;
  /** Calls at a time. */
  readonly concurrency?: number | undefined;
  readonly requestsPerMinute?: number | undefined;
  /** Input and output together. */
  readonly tokensPerMinute?: number | undefined;
  readonly costPicoUsdPerMinute?: bigint | undefined;
  /** Of a model's gate. */
  readonly breaker?: BreakerSettings | undefined;
}

export type SkipReason = 'outage' | 'rateLimit' | 'budget';

/** One model that may answer, with the most the call can use there. */
export interface Candidate {
  readonly alias: string;
  readonly provider: string;
  readonly model: string;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costPicoUsd: bigint;
  /** Keys of the gates it passes. */
  readonly gates: readonly string[];
  /**
   * What makes the gate go on to the next candidate: an open breaker, a provider that wants to be left alone for a while, a budget
   * that is used up for this one.
   */
  readonly skipOn: readonly SkipReason[];
}

export interface AdmissionRequest {
  /** 1 (first) to 5. */
  readonly priority: number;
  readonly budgets: readonly BudgetDemand[];
  readonly gates: readonly GateDemand[];
  /** At least one, in order of preference. */
  readonly candidates: readonly Candidate[];
}

export interface Skipped {
  readonly alias: string;
  readonly for: SkipReason;
}

/**
 * `for`: `concurrency`, `requests`, `tokens`, `cost`, `outage`, `rateLimit` (the provider has said when to come again) at a gate, or
 * `budget`: calls under way hold what is left.
 */
export interface AdmissionWait {
  readonly waitMs: number;
  /** Key of the gate or budget. */
  readonly at: string;
  readonly for: string;
  /** Calls that are served before this one. */
  readonly ahead: number;
}

export interface BudgetExhausted {
  /** Its key. */
  readonly budget: string;
  readonly for: 'calls' | 'tokens' | 'cost' | 'time';
}

/** How an admitted call ended. */
export interface Settlement {
  /** `calls` is 0 when it never left. */
  readonly used: Amounts;
  readonly health: CallHealth;
  readonly durationMs: number;
  /** The error type of a fault. */
  readonly fault?: string | undefined;
  /** What the provider says is left of this minute. */
  readonly remaining?: { readonly requests?: number | undefined; readonly tokens?: number | undefined } | undefined;
  /** How long the provider wants to be left alone (`Retry-After`). All of its model's calls wait so long, a minute at most. */
  readonly pauseMs?: number | undefined;
  /** Key of a budget → shares of it that are to be told when they are reached. */
  readonly warnAt?: Readonly<Record<string, readonly number[]>> | undefined;
}

/** So much of a budget is spent; told once for each of its thresholds. */
export interface BudgetWarning {
  readonly budget: string;
  readonly threshold: number;
  /** What is spent, by the unit nearest to its limit: 0.83 is 83 %. */
  readonly share: number;
}

/** What a user says in segno.config.ts, or at a call, about limits, breakers and budgets. */
import { z } from 'zod';
import { picoOfUsd } from '../money.js';
import type { BudgetLimits } from './budget.js';
import type { BreakerSettings } from './breaker.js';
import { mostUsd, mostWallMs } from './raise.js';
import type { GateDemand } from './admission.js';

const positive = z.number().int().positive();
const usd = z.number().nonnegative().max(mostUsd);
const share = z.number().positive().max(1);
/** A year. */
const longestAnswerMs = 365 * 24 * 3_600_000;

export const limitsSchema = z.strictObject({
  /** Calls at a time. */
  concurrency: positive.optional(),
  requestsPerMinute: positive.optional(),
  /** Input and output tokens together. */
  tokensPerMinute: positive.optional(),
  usdPerMinute: usd.optional(),
});

export const breakerSchema = z.strictObject({
  /** Faults in a row that open it. Default 5. */
  consecutive: positive.default(5),
  /** Share of faults in the last minute that opens it, from `minCalls` on. Default 0.5. */
  errorRate: share.default(0.5),
  /** Share of calls slower than `slowCallMs` that opens it, from `minCalls` on. Default 0.8. */
  slowRate: share.default(0.8),
  /** Default 120,000. */
  slowCallMs: positive.default(120_000),
  /** Default 20. */
  minCalls: positive.default(20),
  /** Cost of the last minute that opens it. Default: none does. */
  usdPerMinute: usd.optional(),
  /** How long it stays open the first time; twice as long after each failed probe. Default 5,000. */
  openMs: positive.default(5_000),
  /** Default 300,000. */
  longestOpenMs: positive.default(300_000),
  /** Calls let through to try whether the provider is back; as many successes close it. Default 1. */
  probes: positive.default(1),
});

/** Amounts of a budget; at least one. */
export const budgetSchema = z
  .strictObject({
    usd: usd.optional(),
    /** Input and output tokens together. */
    tokens: z.number().int().nonnegative().optional(),
    /** Model calls. */
    calls: z.number().int().nonnegative().optional(),
    /** Milliseconds from the budget’s first model call on. */
    wallMs: positive.max(mostWallMs).optional(),
    /**
     * What happens when it is used up: `fail` (default) with `Budget.Exceeded`; `degrade` to the model's fallbacks, then to fewer
     * output tokens, before it fails; `ask` a person for more, and wait.
     */
    onExceeded: z.enum(['fail', 'degrade', 'ask']).optional(),
    /** How long a person who is asked has to answer, in milliseconds. Default 7 days. */
    answerWithinMs: positive.max(longestAnswerMs).optional(),
    /** Shares of what is spent at which a warning is given, once each. Default 0.8; none with `[]`. */
    warnAt: z.array(share).max(10).readonly().optional(),
  })
  .refine(
    ({ usd: money, tokens, calls, wallMs }) => [money, tokens, calls, wallMs].some((amount) => amount !== undefined),
    {
      error: 'names no amount: one of usd, tokens, calls, wallMs',
    },
  );

/** A budget that begins anew each day or month (UTC). */
export const windowBudgetSchema = budgetSchema.safeExtend({ per: z.enum(['day', 'month']) });

export type Limits = z.output<typeof limitsSchema>;
export type BudgetAmounts = z.output<typeof budgetSchema>;
export type WindowBudget = z.output<typeof windowBudgetSchema>;

/** A budget as it travels with a run or an agent call: its amounts, under the key the ledger keeps it by. */
export type KeyedBudget = BudgetAmounts & { key: string };

export function budgetLimits({ usd: dollars, tokens, calls }: BudgetAmounts): BudgetLimits {
  return {
    ...(calls !== undefined && { calls }),
    ...(tokens !== undefined && { tokens }),
    ...(dollars !== undefined && { costPicoUsd: picoOfUsd(dollars) }),
  };
}

export function gateDemand(
  key: string,
  limits: Limits | undefined,
  breaker?: z.output<typeof breakerSchema>,
): GateDemand {
  return {
    key,
    ...(limits && {
      concurrency: limits.concurrency,
      requestsPerMinute: limits.requestsPerMinute,
      tokensPerMinute: limits.tokensPerMinute,
      ...(limits.usdPerMinute !== undefined && { costPicoUsdPerMinute: picoOfUsd(limits.usdPerMinute) }),
    }),
    ...(breaker && { breaker: breakerSettings(breaker) }),
  };
}

function breakerSettings({ usdPerMinute, ...rest }: z.output<typeof breakerSchema>): BreakerSettings {
  return { ...rest, ...(usdPerMinute !== undefined && { costPicoUsd: Number(picoOfUsd(usdPerMinute)) }) };
}

/** `day/2026-11-21` or `month/2026-11`: the calendar window of a moment, in UTC. */
export function calendarWindow(per: 'day' | 'month', nowMs: number): string {
  const date = new Date(nowMs).toISOString();
  return `${per}/${date.slice(0, per === 'day' ? 10 : 7)}`;
}

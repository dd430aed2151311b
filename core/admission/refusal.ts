/** What a `Budget.Exceeded` says in its details: the budget’s books when a call was refused. Money is USD. */
import { z } from 'zod';
import { picoToUsd } from '../money.js';
import type { BudgetExhausted } from './admission.js';
import type { BudgetLimits } from './budget.js';
import { type RaiseUnit, raiseUnits } from './raise.js';

export const mostSpenders = 5;

const amounts = z.object({
  usd: z.number().optional(),
  tokens: z.number().optional(),
  calls: z.number().optional(),
});

/** Of details that come from a run's history: what is larger, or otherwise, is none. */
export const budgetRefusalSchema = z.object({
  /** Its key. */
  budget: z.string().max(2_000),
  /** What ran out. */
  unit: z.enum(raiseUnits),
  limit: amounts,
  /** ISO 8601, where its time is limited. */
  endsAt: z.string().max(40).optional(),
  spent: amounts,
  /** By calls under way, if there are any. */
  held: amounts.optional(),
  /** What the refused call may use at most. */
  needed: amounts,
  /** The dearest first. */
  spenders: z.array(z.object({ agent: z.string().max(500), ...amounts.shape })).max(mostSpenders),
});

export type BudgetRefusal = z.output<typeof budgetRefusalSchema>;

export function inUsd({ costPicoUsd, tokens, calls }: BudgetLimits): z.output<typeof amounts> {
  return {
    ...(costPicoUsd !== undefined && { usd: picoToUsd(costPicoUsd) }),
    ...(tokens !== undefined && { tokens }),
    ...(calls !== undefined && { calls }),
  };
}

export function unitOf(reason: BudgetExhausted['for']): RaiseUnit {
  return reason === 'cost' ? 'usd' : reason === 'time' ? 'wallMs' : reason;
}

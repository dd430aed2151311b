/**
 * Failure injection as data: what goes wrong, where, and how often.
 *
 * Invariant: whether the nth call that a rule concerns is struck follows from the rule, its seed and n, and from nothing else.
 */
import { z } from 'zod';
import { SegnoError } from '../errors.js';
import { describeIssues } from '../schema.js';
import { drawUniform } from './drawUniform.js';
import { faultKinds, faultSchema, type Fault } from './fault.js';

const oftenShape = {
  /** Of the calls it concerns, above 0 and up to 1. Default: all of them. */
  share: z.number().positive().max(1).optional(),
  /** Every so many of them: 3 strikes the third, the sixth, … Instead of `share`. */
  every: z.number().int().min(1).max(1_000_000).optional(),
  /** No more than so many, then it is over. */
  limit: z.number().int().min(1).max(1_000_000).optional(),
};

const providerRuleSchema = z.strictObject({
  at: z.literal('provider'),
  /** A kind, or one with its settings: `'429'`, `{ kind: '429', retryAfterSeconds: 2 }`. */
  fault: z.union([z.enum(faultKinds), faultSchema], {
    error: `is no fault of a provider: one of ${faultKinds.join(', ')}, or one of them with settings that it has`,
  }),
  /** Only calls of this model, by its name at the provider. */
  model: z.string().min(1).optional(),
  ...oftenShape,
});

const toolRuleSchema = z.strictObject({
  at: z.literal('tool'),
  /** The tool throws `before` it does anything, or `after` it has done all it does. */
  fault: z.enum(['before', 'after'], { error: 'is no fault of a tool: before or after' }),
  /** Only calls of the tool of this name. */
  tool: z.string().min(1).optional(),
  ...oftenShape,
});

const processRuleSchema = z.strictObject({
  at: z.enum(['worker', 'ledger', 'temporal']),
  /** `kill` as `kill -9` does, once or `everyMs`; `pause` stops the process until the rule ends. */
  fault: z.enum(['kill', 'pause'], { error: 'is no fault of a process: kill or pause' }),
  /** Of kills: one in every such span, at a random moment of it. */
  everyMs: z.number().int().min(1_000).max(3_600_000).optional(),
});

export const chaosRuleSchema = z
  .discriminatedUnion('at', [providerRuleSchema, toolRuleSchema, processRuleSchema])
  .refine((rule) => !('every' in rule && rule.every !== undefined && rule.share !== undefined), {
    error: 'says both share and every; say one',
  })
  .refine((rule) => !('everyMs' in rule && rule.everyMs !== undefined && rule.fault === 'pause'), {
    error: 'a pause lasts until its rule ends: everyMs is of kills',
  });

export type ChaosRule = z.infer<typeof chaosRuleSchema>;
export type ProviderRule = z.infer<typeof providerRuleSchema>;
export type ToolRule = z.infer<typeof toolRuleSchema>;
/** What can be injected without a process to do it to. */
export type CallRule = ProviderRule | ToolRule;
export type ProcessRule = z.infer<typeof processRuleSchema>;

/** A rule at work; times are Unix milliseconds. */
export interface ActiveRule {
  readonly id: string;
  readonly rule: ChaosRule;
  readonly seed: number;
  readonly startsAtMs: number;
  readonly endsAtMs: number;
}

/** No rule lasts longer: failure injection that is forgotten ends by itself. */
export const longestRuleMs = 3_600_000;

export const activeRuleSchema = z.strictObject({
  id: z.string().min(1),
  rule: chaosRuleSchema,
  seed: z.number().int(),
  startsAtMs: z.number(),
  endsAtMs: z.number(),
});

/** @throws SegnoError `Config.Invalid` */
export function checkRule(value: unknown): ChaosRule {
  const parsed = chaosRuleSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new SegnoError(
    'Config.Invalid',
    `The rule ${JSON.stringify(value)} is not valid:\n${describeIssues(parsed.error)}`,
  );
}

/** Every kind goes without settings. */
export function faultOf({ fault }: ProviderRule): Fault {
  return typeof fault === 'string' ? ({ kind: fault } as Fault) : fault;
}

export function isAtWork({ startsAtMs, endsAtMs }: ActiveRule, nowMs: number): boolean {
  return startsAtMs <= nowMs && nowMs < Math.min(endsAtMs, startsAtMs + longestRuleMs);
}

/** @param call number of the call among those the rule concerns, from 1 */
export function strikes({ share = 1, every }: CallRule, seed: number, call: number): boolean {
  return every === undefined ? drawUniform(seed, call) < share : call % every === 0;
}

/** When a rule of kills strikes: at once, or in each span of `everyMs` at a random moment. */
export function killMoments({ rule, seed, startsAtMs, endsAtMs }: ActiveRule): number[] {
  if (!isProcessRule(rule) || rule.fault !== 'kill') return [];
  const { everyMs } = rule;
  if (everyMs === undefined) return [startsAtMs];
  const spans = Math.floor(Math.min(endsAtMs - startsAtMs, longestRuleMs) / everyMs);
  return Array.from({ length: spans }, (_, span) => startsAtMs + (span + drawUniform(seed, span + 1)) * everyMs);
}

export function isProcessRule(rule: ChaosRule): rule is ProcessRule {
  return rule.at !== 'provider' && rule.at !== 'tool';
}

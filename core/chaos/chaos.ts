import type { Fault } from './fault.js';
import { type ActiveRule, type CallRule, faultOf, isAtWork, strikes } from './rule.js';

/** One fault that was injected. */
export interface Strike {
  /** The rule's id. */
  readonly rule: string;
  readonly at: 'provider' | 'tool' | 'worker' | 'ledger' | 'temporal';
  /** `429`, `before`, `kill`, … */
  readonly fault: string;
  /** The model or the tool. */
  readonly of?: string;
  /** Number of the call among those the rule concerns, from 1. */
  readonly call?: number;
}

/**
 * Decides call by call whether a rule strikes. Of several rules the first one that does decides.
 *
 * Invariants:
 * 1. Every rule counts every call it concerns while it is at work, also those that another rule has struck.
 * 2. What an earlier process has struck counts: a limit holds, and choices go on, when a worker is killed.
 */
export class Chaos {
  private readonly calls = new Map<string, number>();
  private readonly struck = new Map<string, number>();

  /** @param rules asked at every call, so that they may change */
  constructor(
    private readonly rules: () => readonly ActiveRule[],
    private readonly onStrike: (strike: Strike) => void = () => undefined,
    earlier: readonly Strike[] = [],
  ) {
    for (const { rule, call = 0 } of earlier) {
      this.calls.set(rule, Math.max(call, this.calls.get(rule) ?? 0));
      this.struck.set(rule, (this.struck.get(rule) ?? 0) + 1);
    }
  }

  /** @param model its name at the provider */
  atProvider(model: string, nowMs: number): Fault | undefined {
    const rule = this.first(nowMs, model, (one) => one.at === 'provider' && (one.model ?? model) === model);
    return rule?.at === 'provider' ? faultOf(rule) : undefined;
  }

  atTool(tool: string, nowMs: number): 'before' | 'after' | undefined {
    const rule = this.first(nowMs, tool, (one) => one.at === 'tool' && (one.tool ?? tool) === tool);
    return rule?.at === 'tool' ? rule.fault : undefined;
  }

  private first(nowMs: number, of: string, concerns: (rule: CallRule) => boolean): CallRule | undefined {
    let found: CallRule | undefined;
    for (const active of this.rules()) {
      const { id, rule, seed } = active;
      if (rule.at !== 'provider' && rule.at !== 'tool') continue;
      if (!isAtWork(active, nowMs) || !concerns(rule)) continue;
      const call = (this.calls.get(id) ?? 0) + 1;
      this.calls.set(id, call);
      const struck = this.struck.get(id) ?? 0;
      if (found || struck >= (rule.limit ?? Number.POSITIVE_INFINITY) || !strikes(rule, seed, call)) continue;
      this.struck.set(id, struck + 1);
      found = rule;
      const fault = rule.at === 'provider' ? faultOf(rule).kind : rule.fault;
      this.onStrike({ rule: id, at: rule.at, fault, of, call });
    }
    return found;
  }
}

/**
 * The state of the ledger as gauges: limits in use, who waits, breakers, budgets.
 *
 * Invariants:
 * 1. It is the state of the whole installation, and every worker with an endpoint shows it: of several workers take the `max`, never
 *    the `sum`.
 * 2. Only what the config names is shown; tenants that are not named are one series, `tenant/*`.
 * 3. Reading it never holds up the worker: a look that fails leaves the last values, and the next look comes.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { MetricGauge, MetricMeter } from '@temporalio/common';
import { calendarWindow } from '../core/admission/settings.js';
import type { ResolvedConfig } from '../core/config.js';
import { gateLabel } from '../core/gateLabel.js';
import { type BudgetState, type GateState, type Ledger, listGates, standingBudgets } from '../ledger/index.js';

const lookEveryMs = 5_000;
const breakerStates = ['closed', 'open', 'halfOpen'] as const;

export interface LedgerGaugesOptions {
  ledger: Ledger;
  meter: MetricMeter;
  config: ResolvedConfig;
  onError: (error: unknown) => void;
}

/** @returns stop */
export function showLedger({ ledger, meter, config, onError }: LedgerGaugesOptions): () => Promise<void> {
  const gauges = new LedgerGauges(meter, config);
  const stopping = new AbortController();
  const running = (async () => {
    while (!stopping.signal.aborted) {
      try {
        const [gates, budgets] = await Promise.all([listGates(ledger), standingBudgets(ledger)]);
        gauges.set(gates, budgets, Date.now());
      } catch (error) {
        onError(error);
      }
      await delay(lookEveryMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  })();
  return async () => {
    stopping.abort();
    await running;
  };
}

export class LedgerGauges {
  private readonly inUse: MetricGauge;
  private readonly limit: MetricGauge;
  private readonly waiters: MetricGauge;
  private readonly breaker: MetricGauge;
  private readonly budget: MetricGauge;
  /** Labels of budgets once shown: one that begins anew with its window is empty until its first call. */
  private readonly shown = new Map<string, { budget: string; unit: string }>();

  constructor(
    meter: MetricMeter,
    private readonly config: ResolvedConfig,
  ) {
    this.inUse = meter.createGauge('segno_gate_calls_in_use', 'int', undefined, 'Model calls under way.');
    this.limit = meter.createGauge('segno_gate_concurrency_limit', 'int', undefined, 'Model calls at a time.');
    this.waiters = meter.createGauge('segno_gate_waiters', 'int', undefined, 'Model calls that wait here.');
    this.breaker = meter.createGauge('segno_gate_breaker_state', 'int', undefined, '1 for the state it is in.');
    const used = 'What was spent and is held of a budget, by its limit.';
    this.budget = meter.createGauge('segno_budget_used_ratio', 'float', undefined, used);
  }

  set(gates: readonly GateState[], budgets: readonly BudgetState[], nowMs: number): void {
    for (const [gate, { running, waiting, limit, breaker }] of this.byLabel(gates)) {
      this.inUse.set(running, { gate });
      this.waiters.set(waiting, { gate });
      if (limit !== undefined) this.limit.set(limit, { gate });
      if (breaker === 'off') continue;
      for (const state of breakerStates) this.breaker.set(Number(state === breaker), { gate, state });
    }
    const ratios = this.ratios(budgets, nowMs);
    for (const [key, labels] of this.shown) this.budget.set(ratios.get(key) ?? 0, labels);
  }

  /** Gates of what the config no longer names are in the ledger still. */
  private byLabel(gates: readonly GateState[]): Map<string, GaugedGate> {
    const { models, providers } = this.config;
    const known = new Set(Object.values(models).map(({ provider, model }) => `model/${provider}/${model}`));
    for (const provider of Object.keys(providers)) known.add(`provider/${provider}`);
    const found = new Map<string, GaugedGate>();
    for (const { key, running, waiting, limits, breaker } of gates) {
      const tenant = key.startsWith('tenant/');
      if (!tenant && known.size > 0 && !known.has(key)) continue;
      const label = gateLabel(this.config, key);
      const before = found.get(label) ?? { running: 0, waiting: 0 };
      found.set(label, {
        running: before.running + running,
        waiting: before.waiting + waiting,
        limit: label.endsWith('*') ? undefined : limits.concurrency,
        breaker,
      });
    }
    return found;
  }

  /** Of tenants under one label, the one nearest to its limit. */
  private ratios(budgets: readonly BudgetState[], nowMs: number): Map<string, number> {
    const windows = (['day', 'month'] as const).map((per) => `/${calendarWindow(per, nowMs)}`);
    const found = new Map<string, number>();
    for (const { key, limits, held, spent } of budgets) {
      const budget = gateLabel(this.config, key);
      const gone = budget.startsWith('named/') && !Object.hasOwn(this.config.budgets, budget.slice('named/'.length));
      if (gone || !windows.some((window) => key.endsWith(window))) continue;
      const units = [
        ['calls', held.calls + spent.calls, limits.calls],
        ['tokens', held.tokens + spent.tokens, limits.tokens],
        ['cost', Number(held.costPicoUsd + spent.costPicoUsd), Number(limits.costPicoUsd)],
      ] as const;
      for (const [unit, used, limit] of units) {
        if (limit === undefined || Number.isNaN(limit)) continue;
        const series = `${budget} ${unit}`;
        this.shown.set(series, { budget, unit });
        found.set(series, Math.max(found.get(series) ?? 0, limit > 0 ? used / limit : 1));
      }
    }
    return found;
  }
}

interface GaugedGate {
  readonly running: number;
  readonly waiting: number;
  readonly limit?: number | undefined;
  readonly breaker?: GateState['breaker'];
}

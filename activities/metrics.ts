/**
 * What a worker counts of its work, as metrics of Temporal's meter: one endpoint serves both. docs/observability.md lists them.
 *
 * Invariants:
 * 1. The values of a label come from the config, the registry of errors or a fixed list; never from a run, a model or a message.
 * 2. Names have neither `_total` nor a unit: the exporter adds them (workers/metricsEndpoint.ts).
 * 3. Counts are of this process, since its start. What must be exact is in the ledger.
 */
import type { MetricCounter, MetricHistogram, MetricMeter } from '@temporalio/common';
import type { ResolvedConfig } from '../core/config.js';
import type { Ended } from '../core/ended.js';
import { errorKinds } from '../core/errors.js';
import { gateLabel } from '../core/gateLabel.js';
import { picoToUsd } from '../core/money.js';
import type { StepKind } from '../core/steps.js';
import type { Admitted, StepUsage } from '../ledger/index.js';

/** A model as metrics name it. */
export interface MeteredModel {
  readonly alias: string;
  readonly provider: string;
  readonly config: { readonly model: string; readonly price?: object | undefined };
}

export interface MeteredCall {
  readonly model: MeteredModel;
  readonly agent: string;
  /** `ok`, or the type of the error. */
  readonly outcome: string;
  readonly durationMs: number;
  readonly usage: StepUsage;
}

export class Metrics {
  private readonly modelCalls: MetricCounter;
  private readonly modelTokens: MetricCounter;
  private readonly modelCost: MetricHistogram;
  private readonly modelDuration: MetricHistogram;
  private readonly fallbacks: MetricCounter;
  private readonly waits: MetricCounter;
  private readonly waitDuration: MetricHistogram;
  private readonly refusals: MetricCounter;
  private readonly toolCalls: MetricCounter;
  private readonly toolDuration: MetricHistogram;
  private readonly steps: MetricCounter;
  private readonly agentCalls: MetricCounter;
  private readonly agentDuration: MetricHistogram;
  private readonly runs: MetricCounter;
  private readonly runDuration: MetricHistogram;
  private readonly leases: MetricCounter;

  constructor(
    meter: MetricMeter,
    private readonly config: Pick<ResolvedConfig, 'tenants'>,
  ) {
    const counter = (name: string, description: string): MetricCounter =>
      meter.createCounter(`segno_${name}`, undefined, description);
    const histogram = (name: string, unit: string, description: string): MetricHistogram =>
      meter.createHistogram(`segno_${name}`, 'float', unit, description);
    this.modelCalls = counter('model_calls', 'Attempts of model calls that ended.');
    this.modelTokens = counter('model_tokens', 'Tokens of model calls; the kinds add up.');
    this.modelCost = histogram('model_call_cost', 'usd', 'Cost of a model call; the sum is what was spent.');
    this.modelDuration = histogram('model_call_duration', 'seconds', 'Time from request to complete answer.');
    this.fallbacks = counter('model_fallbacks', 'Model calls that went to a fallback.');
    this.waits = counter('admission_waits', 'Times a model call was told to wait at the gate.');
    this.waitDuration = histogram('admission_wait_duration', 'seconds', 'Wait of admitted calls that had to.');
    this.refusals = counter('budget_refusals', 'Model calls refused because a budget is used up.');
    this.toolCalls = counter('tool_calls', 'Calls of tools that ended.');
    this.toolDuration = histogram('tool_call_duration', 'seconds', 'Time a call of a tool took.');
    this.steps = counter('steps', 'Steps that ended.');
    this.agentCalls = counter('agent_calls', 'Calls of agents that ended.');
    this.agentDuration = histogram('agent_call_duration', 'seconds', 'Time from the call of an agent to its output.');
    this.runs = counter('runs', 'Runs that ended by themselves; not those that were terminated or timed out.');
    this.runDuration = histogram('run_duration', 'seconds', 'Time from the start of a run to its end.');
    this.leases = counter('lease_expiries', 'Model calls whose worker was lost: they count at their upper bound.');
  }

  modelCall({ model, agent, outcome, durationMs, usage }: MeteredCall): void {
    const labels = { provider: model.provider, model: model.config.model };
    this.modelCalls.add(1, { ...labels, agent, outcome });
    this.modelDuration.record(durationMs / 1_000, labels);
    const { inputTokens, outputTokens, cachedInputTokens } = usage;
    const kinds = { input: inputTokens - cachedInputTokens, cached_input: cachedInputTokens, output: outputTokens };
    for (const [kind, tokens] of Object.entries(kinds)) {
      if (tokens > 0) this.modelTokens.add(tokens, { ...labels, agent, kind });
    }
    if (model.config.price) this.modelCost.record(picoToUsd(usage.costPicoUsd), { ...labels, agent });
  }

  fallback(from: string, to: string, reason: string): void {
    // The same model with fewer output tokens is none.
    if (from !== to) this.fallbacks.add(1, { from, to, reason });
  }

  admitted({ waitedMs, waitedFor }: Admitted): void {
    const [reason, key] = waitedFor?.split(' at ', 2) ?? [];
    if (reason === undefined || key === undefined) return;
    this.waitDuration.record(waitedMs / 1_000, { gate: gateLabel(this.config, key), reason });
  }

  waiting(key: string, reason: string): void {
    this.waits.add(1, { gate: gateLabel(this.config, key), reason });
  }

  refused(budget: string, unit: string): void {
    this.refusals.add(1, { budget: gateLabel(this.config, budget), unit });
  }

  toolCall(tool: string, outcome: string, durationMs: number): void {
    this.toolCalls.add(1, { tool, outcome });
    this.toolDuration.record(durationMs / 1_000, { tool });
  }

  stepsEnded(kind: StepKind, status: 'done' | 'failed' | 'unknown', count = 1): void {
    if (count > 0) this.steps.add(count, { kind, status });
  }

  agentCall(agent: string, outcome: string, durationMs: number): void {
    this.agentCalls.add(1, { agent, outcome });
    this.agentDuration.record(durationMs / 1_000, { agent });
  }

  ended({ kind, name, root, startedMs, endedMs, status, errorType = 'other' }: Ended): void {
    const durationMs = Math.max(0, endedMs - startedMs);
    if (kind === 'agent') {
      const failed = Object.hasOwn(errorKinds, errorType) ? errorType : 'other';
      this.agentCall(name, status === 'failed' ? failed : status === 'completed' ? 'ok' : status, durationMs);
    } else if (root) {
      this.runs.add(1, { workflow: name, status });
      this.runDuration.record(durationMs / 1_000, { workflow: name, status });
    }
  }

  leasesExpired(count: number): void {
    if (count > 0) this.leases.add(count);
  }
}

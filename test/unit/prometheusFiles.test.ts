/** Alert rules, dashboard and documentation name the metrics that workers serve, with labels that they have. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { MetricMeter, MetricTags } from '@temporalio/common';
import { parse } from 'yaml';
import { Metrics } from '../../activities/metrics.js';
import { resolveConfig } from '../../core/config.js';
import { LedgerGauges } from '../../workers/ledgerGauges.js';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

/** Name as Prometheus gets it → its labels. */
function servedMetrics(): Map<string, Set<string>> {
  const served = new Map<string, Set<string>>();
  const instrument = (name: string) => {
    const labels = new Set<string>();
    served.set(name, labels);
    const note = (_: number, tags: MetricTags = {}): void => Object.keys(tags).forEach((label) => labels.add(label));
    return { add: note, record: note, set: note };
  };
  const meter = {
    createCounter: (name: string) => instrument(`${name}_total`),
    createHistogram: (name: string, _: string, unit: string) => instrument(`${name}_${unit}`),
    createGauge: (name: string) => instrument(name),
  } as unknown as MetricMeter;
  const config = resolveConfig({ workflows: './w.ts', tenants: { acme: {} } });
  const metrics = new Metrics(meter, config);
  const usage = { inputTokens: 3, outputTokens: 1, cachedInputTokens: 1, costPicoUsd: 1n, estimated: false };
  const model = { alias: 'a', provider: 'p', config: { model: 'm', price: {} } };
  metrics.modelCall({ model, agent: 'a', outcome: 'ok', durationMs: 1, usage });
  metrics.fallback('a', 'b', 'outage');
  const admitted = { alias: 'a', inputTokens: 1, outputTokens: 1, skipped: [] };
  metrics.admitted({ ...admitted, waitedMs: 5, waitedFor: 'concurrency at model/p/m' });
  metrics.waiting('model/p/m', 'concurrency');
  metrics.refused('run/1', 'cost');
  metrics.toolCall('t', 'ok', 1);
  metrics.stepsEnded('tool', 'done');
  metrics.leasesExpired(1);
  const where = { root: true, workflowId: 'w', trace: '', startedMs: 0, endedMs: 1 };
  for (const kind of ['run', 'agent'] as const) {
    metrics.ended({ ...where, kind, name: 'n', status: 'completed' });
  }
  const amounts = { calls: 1, tokens: 1, costPicoUsd: 1n };
  const gate = { key: 'tenant/acme', limits: { concurrency: 1 }, running: 0, waiting: 0, breaker: 'open' as const };
  new LedgerGauges(meter, config).set(
    [
      {
        ...{ ...gate, openUntil: undefined, pausedUntil: undefined, lastFault: undefined },
        used: { requests: 0, tokens: 0, costPicoUsd: 0n },
      },
    ],
    [
      {
        ...{ key: 'tenant/acme/month/2026-11', tenant: 'acme', scope: undefined, endsAt: undefined },
        ...{ limits: { calls: 2 }, raised: amounts, held: amounts, spent: amounts, warnings: [] },
      },
    ],
    Date.parse('2026-11-21T00:00:00Z'),
  );
  return served;
}

const served = servedMetrics();
const { groups } = parse(read('deploy/prometheus/alerts.yaml')) as { groups: { rules: { expr: string }[] }[] };
const { panels } = JSON.parse(read('deploy/prometheus/dashboard.json')) as {
  panels: { targets: { expr: string; legendFormat: string }[] }[];
};
const queries = [
  ...groups.flatMap(({ rules }) => rules.map(({ expr }) => expr)),
  ...panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
];

describe('what is shipped for Prometheus', () => {
  it.each(queries)('asks for metrics and labels that workers serve: %s', (expr) => {
    const names = [...expr.matchAll(/segno_\w+/g)].map(([name]) => name.replace(/_(bucket|sum|count)$/, ''));
    expect(names.length).toBeGreaterThan(0);
    for (const name of names) expect([...served.keys()]).toContain(name);
    const known = new Set(names.flatMap((name) => [...(served.get(name) ?? [])]));
    const asked = [
      ...[...expr.matchAll(/by \(([^)]*)\)/g)].flatMap(([, labels = '']) => labels.split(',').map((one) => one.trim())),
      ...[...expr.matchAll(/(\w+)(?:=|!=|=~|!~)"/g)].map(([, label = '']) => label),
    ].filter((label) => label !== 'le');
    for (const label of asked) expect([...known], expr).toContain(label);
  });

  it('takes the max of what every worker shows alike, and the sum of what each counts', () => {
    for (const expr of queries) {
      if (/segno_(gate|budget_used)/.test(expr)) expect(expr).toMatch(/^max by/);
      else expect(expr).toMatch(/sum( by|\()/);
    }
  });

  it('is documented: every metric has a line, with its labels', () => {
    const page = read('docs/observability.md');
    for (const [name, labels] of served) {
      const line = page.split('\n').find((one) => one.startsWith('|') && one.includes(`\`${name}\``));
      expect(line, name).toBeDefined();
      for (const label of labels) expect(line, name).toContain(`\`${label}\``);
    }
  });
});

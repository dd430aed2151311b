/** Metrics as Prometheus sees them: worker processes, scraped over HTTP. */
import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { error, json, toolCalls } from '../../../testing/index.js';
import { startTestStack, type TestStack } from '../../../testing/testStack.js';
import { chooseFreePort } from '../../../workers/embedded/freePort.js';
import { aCase, failureOf } from '../agents/agentsStack.js';
import { type CaseModel, caseModel } from '../agents/caseModel.js';
import { type Family, readPromText, valueOf } from './promText.js';
import type { answerCase, answerTwice, failToLookUp } from './project/workflow.js';

const startTimeoutMs = 180_000;
const configPath = fileURLToPath(new URL('./project/segno.config.ts', import.meta.url));
const provider = `observed-${randomUUID().slice(0, 8)}`;
const used = { usage: { promptTokens: 100, completionTokens: 10 } };
const answer = json({ answer: '42' }, used);

describe('the metrics of workers', () => {
  let stack: TestStack;
  let scripted: CaseModel;
  const ports: number[] = [];
  const startWorker = async (port: number, more: NodeJS.ProcessEnv = {}) =>
    stack.startWorkerProcess({
      configPath,
      env: {
        OBSERVE_MODEL_URL: scripted.model.url,
        OBSERVE_PROVIDER: provider,
        SEGNO_METRICS_PORT: String(port),
        ...more,
      },
    });
  beforeAll(async () => {
    scripted = await caseModel();
    stack = await startTestStack({ workflows: configPath, worker: false });
    const taken = new Set<number>();
    for (let worker = 0; worker < 2; worker += 1) ports.push(await chooseFreePort([], taken));
    await Promise.all(ports.map((port) => startWorker(port)));
  }, startTimeoutMs);
  afterAll(async () => {
    await stack?.close();
    await scripted?.model.close();
  }, startTimeoutMs);

  const scrape = async (port: number): Promise<Map<string, Family>> => {
    const response = await fetch(`http://127.0.0.1:${port}/metrics`);
    expect(response.headers.get('content-type')).toContain('text/plain; version=0.0.4');
    return readPromText(await response.text());
  };
  const scrapeAll = (): Promise<Map<string, Family>[]> => Promise.all(ports.map(scrape));
  const sum = (all: readonly Map<string, Family>[], name: string, labels?: Record<string, string>): number =>
    all.reduce((total, families) => total + valueOf(families, name, labels), 0);

  it('count calls, tokens, cost, tools, steps, agents and runs, together over two workers', async () => {
    const [plain, withTool, twice] = [aCase(), aCase(), aCase()];
    scripted.script(plain, [answer]);
    scripted.script(withTool, [toolCalls([{ name: 'lookUp', arguments: { text: 'it' } }], used), answer]);
    scripted.script(twice, [answer, answer]);
    const start = (name: string) => stack.client.start<typeof answerCase>('answerCase', { case: name });
    await Promise.all((await Promise.all([start(plain), start(withTool)])).map((run) => run.result()));
    await (await stack.client.start<typeof answerTwice>('answerTwice', { case: twice })).result();
    await failureOf((await stack.client.start<typeof failToLookUp>('failToLookUp', undefined as never)).result());

    // A run is told of beside the task that ends it.
    await expect.poll(async () => sum(await scrapeAll(), 'segno_runs_total')).toBe(4);
    const all = await scrapeAll();
    const model = { provider, model: 'large', agent: 'clerk' };
    expect(sum(all, 'segno_model_calls_total', { ...model, outcome: 'ok' })).toBe(5);
    expect(sum(all, 'segno_model_tokens_total', { ...model, kind: 'input' })).toBe(500);
    expect(sum(all, 'segno_model_tokens_total', { ...model, kind: 'output' })).toBe(50);
    expect(sum(all, 'segno_model_call_cost_usd_sum', model)).toBeCloseTo(0.001, 9);
    expect(sum(all, 'segno_model_call_duration_seconds_count')).toBe(5);
    expect(sum(all, 'segno_agent_calls_total', { agent: 'clerk', outcome: 'ok' })).toBe(4);
    expect(sum(all, 'segno_tool_calls_total', { tool: 'lookUp', outcome: 'ok' })).toBe(1);
    expect(sum(all, 'segno_tool_calls_total', { tool: 'lookUp', outcome: 'Tool.Failed' })).toBe(2);
    expect(sum(all, 'segno_steps_total', { kind: 'model', status: 'done' })).toBe(5);
    expect(sum(all, 'segno_steps_total', { kind: 'tool', status: 'done' })).toBe(1);
    expect(sum(all, 'segno_steps_total', { kind: 'tool', status: 'failed' })).toBe(1);
    expect(sum(all, 'segno_runs_total', { workflow: 'answerCase', status: 'completed' })).toBe(2);
    expect(sum(all, 'segno_runs_total', { workflow: 'answerTwice', status: 'completed' })).toBe(1);
    expect(sum(all, 'segno_runs_total', { workflow: 'failToLookUp', status: 'failed' })).toBe(1);
    expect(sum(all, 'temporal_workflow_completed_total')).toBeGreaterThan(0);
  });

  it('show the ledger alike on both workers: limits, breakers, budgets', async () => {
    const dying = aCase();
    scripted.script(dying, ({ model }) => (model === 'large' ? error(500) : answer));
    for (let call = 0; call < 3; call += 1) {
      await (await stack.client.start<typeof answerCase>('answerCase', { case: dying })).result();
    }
    const gate = `model/${provider}/large`;
    await expect
      .poll(
        async () => (await scrapeAll()).map((one) => valueOf(one, 'segno_gate_breaker_state', { gate, state: 'open' })),
        { timeout: 20_000 },
      )
      .toEqual([1, 1]);
    const all = await scrapeAll();
    for (const families of all) {
      expect(valueOf(families, 'segno_gate_breaker_state', { gate, state: 'closed' })).toBe(0);
      expect(valueOf(families, 'segno_gate_concurrency_limit', { gate })).toBe(4);
      expect(valueOf(families, 'segno_gate_calls_in_use', { gate })).toBe(0);
      expect(valueOf(families, 'segno_budget_used_ratio', { budget: 'named/clerks', unit: 'cost' })).toBeGreaterThan(0);
    }
    expect(sum(all, 'segno_model_calls_total', { model: 'large', outcome: 'Model.ServerError' })).toBe(2);
    expect(sum(all, 'segno_model_fallbacks_total', { from: 'default', to: 'small', reason: 'outage' })).toBe(3);
  });

  it('have names, types, units and labels by the conventions', async () => {
    for (const [name, { type, help, samples }] of (await scrapeAll()).flatMap((families) => [...families])) {
      expect(name).toMatch(/^(segno|temporal)_[a-z0-9]+(_[a-z0-9]+)*$/);
      expect(name.endsWith('_total'), name).toBe(type === 'counter');
      expect(name, 'base units').not.toMatch(/milli|_ms(_|$)|minutes|kilo|percent/);
      if (!name.startsWith('segno_')) continue;
      expect(help, name).toMatch(/\.$/);
      if (type === 'histogram') expect(name).toMatch(/_(seconds|usd)$/);
      for (const { labels } of samples) {
        for (const [label, value] of Object.entries(labels)) {
          expect(label).toMatch(/^[a-z]+$/);
          expect(value, `${name}: ${label} names a run`).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}/);
        }
      }
    }
  });

  it('are not served at a port that is taken, and the worker says so instead of working unseen', async () => {
    const holder: Server = createServer();
    const port = await chooseFreePort([], new Set());
    await new Promise<void>((done) => holder.listen(port, '127.0.0.1', done));
    try {
      await expect(startWorker(port)).rejects.toThrow(
        new RegExp(`Config.Invalid.*127.0.0.1:${port}.*SEGNO_METRICS_PORT`),
      );
    } finally {
      holder.close();
    }
  });
});

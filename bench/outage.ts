/**
 * One of two providers is dead for a while: the gate with its breaker and a fallback, against activities of the plain SDK that retry,
 * and ones that try the second provider after the first. Calls come at a steady rate, whether or not earlier ones are answered.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import OpenAI from 'openai';
import { SegnoClient } from 'segno/client';
import { bundleWorkflows, createWorker, loadProject, migrateLedger, openLedger } from 'segno/worker';
import { Chaos } from '../core/chaos/chaos.js';
import type { Fault } from '../core/chaos/fault.js';
import { type ActiveRule, longestRuleMs } from '../core/chaos/rule.js';
import { startStack } from '../workers/embedded/startStack.js';
import { type OfflineModel, serveModel } from '../workers/offlineModel/serveModel.js';
import { type Row, spread } from './statistics.js';

const ways = ['gate', 'retries', 'fallback'] as const;
type Way = (typeof ways)[number];
const names: Record<Way, string> = {
  gate: 'Segno',
  retries: 'plain retries',
  fallback: 'plain, second provider after the first',
};
const dead: Record<string, Fault> = {
  'answers 500': { kind: '500' },
  'does not answer': { kind: 'stall', headers: false },
};

const perSecond = 10;
const seconds = { before: 3, outage: 10, after: 13 };
const callTimeoutMs = 2_000;
/** An answer that comes later is no success. */
const deadlineMs = 5_000;
const latencyMs = 50;
const offlineModel = 'segno-offline';
const benchStartedMs = Date.now();

interface Provider {
  readonly model: OfflineModel;
  /** Undefined: well. */
  fault: Fault | undefined;
  /** When calls came that a fault struck, and that none did; Unix milliseconds. */
  readonly struck: number[];
  readonly answered: number[];
}

async function startProvider(): Promise<Provider> {
  const struck: number[] = [];
  const answered: number[] = [];
  const chaos = new Chaos(
    () => (provider.fault ? [rule(provider.fault)] : []),
    () => struck.push(Date.now()),
  );
  const model = await serveModel(
    () => {
      if (!provider.fault) answered.push(Date.now());
      return { kind: 'text', text: '{"ok":true}' };
    },
    { latencyMs, chaos },
  );
  const provider: Provider = { model, fault: undefined, struck, answered };
  return provider;
}

function rule(fault: Fault): ActiveRule {
  return {
    id: 'dead',
    rule: { at: 'provider', fault },
    seed: 0,
    startsAtMs: benchStartedMs,
    endsAtMs: benchStartedMs + longestRuleMs,
  };
}

/** As a user of the plain SDK would write them. */
function plainActivities(urls: readonly [string, string]): Record<'askFirst' | 'askEither', () => Promise<string>> {
  const clients = urls.map((baseURL) => new OpenAI({ baseURL, apiKey: 'none', maxRetries: 0, timeout: callTimeoutMs }));
  const ask = async (client: OpenAI): Promise<string> => {
    const messages = [{ role: 'user' as const, content: 'ok?' }];
    const { choices } = await client.chat.completions.create({ model: offlineModel, messages });
    return choices[0]?.message.content ?? '';
  };
  return {
    askFirst: () => ask(clients[0]!),
    askEither: () => ask(clients[0]!).catch(() => ask(clients[1]!)),
  };
}

interface Call {
  readonly begunMs: number;
  readonly tookMs: number;
}

interface Outage {
  readonly calls: readonly Call[];
  readonly fromMs: number;
  readonly toMs: number;
  readonly wasted: number;
  /** From its end until it answers again. */
  readonly backMs: number;
}

async function suffer(start: () => Promise<unknown>, first: Provider, fault: Fault): Promise<Outage> {
  const [struckBefore, total] = [first.struck.length, seconds.before + seconds.outage + seconds.after];
  const startedMs = Date.now();
  const fromMs = startedMs + seconds.before * 1_000;
  const toMs = fromMs + seconds.outage * 1_000;
  const calls: Promise<Call>[] = [];
  for (let tick = 0; tick < total * perSecond; tick += 1) {
    await delay(Math.max(0, startedMs + (tick * 1_000) / perSecond - Date.now()));
    first.fault = Date.now() >= fromMs && Date.now() < toMs ? fault : undefined;
    const begunMs = Date.now();
    calls.push(
      start().then(
        () => ({ begunMs, tookMs: Date.now() - begunMs }),
        () => ({ begunMs, tookMs: Number.POSITIVE_INFINITY }),
      ),
    );
  }
  const ended = await Promise.all(calls);
  const back = first.answered.find((atMs) => atMs >= toMs);
  const backMs = back === undefined ? Number.POSITIVE_INFINITY : back - toMs;
  return { calls: ended, fromMs, toMs, wasted: first.struck.length - struckBefore, backMs };
}

function report(way: Way, what: string, { calls, fromMs, toMs, wasted, backMs }: Outage): Row {
  const during = calls.filter(({ begunMs }) => begunMs >= fromMs && begunMs < toMs);
  const answered = during.filter(({ tookMs }) => tookMs <= deadlineMs);
  const switchedMs = Math.min(...during.map(({ begunMs, tookMs }) => begunMs + tookMs)) - fromMs;
  const { median, p99 } = spread(during.map(({ tookMs }) => tookMs));
  const share = `${((100 * answered.length) / during.length).toFixed(1)} % of ${during.length} within ${deadlineMs / 1_000} s`;
  const times = `p50 ${inSeconds(median)}, p99 ${inSeconds(p99)}`;
  const rest = `first answer after ${inSeconds(switchedMs)}, ${wasted} calls wasted, back after ${inSeconds(backMs)}`;
  return { figure: `${what}: ${names[way]}`, value: `${share}; ${times}; ${rest}` };
}

const inSeconds = (ms: number): string => (Number.isFinite(ms) ? `${(ms / 1_000).toFixed(2)} s` : 'never');

export async function benchOutage(): Promise<Row[]> {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const dir = await mkdtemp(join(tmpdir(), 'segno-outage-'));
  const [first, second] = [await startProvider(), await startProvider()];
  const env = { ...process.env, SEGNO_OFFLINE_MODEL_URL: first.model.url };
  const stack = await startStack({ dir, worker: false, anyPorts: true, env });
  const address = stack.addresses.temporal!;
  const ledger = await openLedger({ connectionString: stack.addresses.ledger! });
  await migrateLedger(ledger);
  const { config, workflowPaths } = await loadProject({
    configPath: fileURLToPath(new URL('./project/segno.config.ts', import.meta.url)),
  });
  const workflowBundle = await bundleWorkflows(workflowPaths);
  const worker = await createWorker({
    config: {
      ...config,
      providers: { first: { baseURL: first.model.url }, second: { baseURL: second.model.url } },
      models: {
        default: {
          ...{ provider: 'first', model: offlineModel, timeoutMs: callTimeoutMs },
          fallback: { to: 'second', on: ['outage', 'rateLimit'] },
        },
        second: { provider: 'second', model: offlineModel, timeoutMs: callTimeoutMs },
      },
    },
    ledger,
    connection: { address },
    workflowBundle,
  });
  const running = worker.worker.run();
  const connection = await NativeConnection.connect({ address });
  const activities = plainActivities([first.model.url, second.model.url]);
  const sinks = { segno: { ended: { fn: () => undefined } } };
  const plain = await Worker.create({ connection, taskQueue: 'plain', workflowBundle, activities, sinks });
  const runningPlain = plain.run();
  const client = await SegnoClient.connect({ temporal: { address }, ledger });
  let runs = 0;
  const start = (way: Way) => async (): Promise<unknown> => {
    const id = `outage-${(runs += 1)}`;
    if (way === 'gate') return (await client.start('askOnce', { way }, { id })).result();
    const options = { workflowId: id, taskQueue: 'plain', args: [{ way }] };
    return (await client.temporal.workflow.start('askOnce', options)).result();
  };

  const rows: Row[] = [];
  for (const way of ways) await Promise.all(Array.from({ length: 20 }, start(way)));
  for (const [what, fault] of Object.entries(dead)) {
    for (const way of ways)
      rows.push(report(way, `a provider that ${what} for ${seconds.outage} s`, await suffer(start(way), first, fault)));
  }

  worker.worker.shutdown();
  plain.shutdown();
  await Promise.all([running, runningPlain]);
  await Promise.all([worker.connection.close(), connection.close(), client.close(), ledger.close()]);
  await stack.stop();
  await Promise.all([first.model.close(), second.model.close()]);
  await rm(dir, { recursive: true, force: true });
  return rows;
}

/** Segno's activities on a real ledger and a model over HTTP, each attempt in an activity environment of its own. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { ApplicationFailure, noopMetricMeter } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { afterAll, beforeAll } from 'vitest';
import { createActivities } from '../../../activities/createActivities.js';
import { Metrics } from '../../../activities/metrics.js';
import { ModelClients } from '../../../activities/model/modelClients.js';
import { TranscriptCache } from '../../../activities/model/transcriptCache.js';
import { type Config, resolveConfig } from '../../../core/config.js';
import type { CallModelRequest, CallModelResult, RunToolRequest, RunToolResult } from '../../../core/contracts.js';
import type { ErrorType } from '../../../core/errors.js';
import { type Ledger, listSteps, migrateLedger, openLedger, type StepSummary } from '../../../ledger/index.js';
import { startPglite, temporaryDir } from '../../integration/ledger/databases.js';

const startTimeoutMs = 120_000;
export const apiKey = 'sk-test-0123456789abcdef';

/** A ledger on PGlite for the tests of one file; every test works on runs of its own. */
export function useLedger(): () => Ledger {
  let ledger: Ledger | undefined;
  const closing: (() => Promise<unknown> | void)[] = [];
  beforeAll(async () => {
    const dir = temporaryDir();
    closing.unshift(() => dir.remove());
    const server = await startPglite(join(dir.path, 'data'));
    closing.unshift(async () => {
      server.process.kill('SIGTERM');
      await server.ended;
    });
    const opened = await openLedger({ connectionString: server.url });
    closing.unshift(() => opened.close());
    await migrateLedger(opened);
    ledger = opened;
  }, startTimeoutMs);
  afterAll(async () => {
    for (const close of closing) await close();
  }, startTimeoutMs);
  return () => {
    if (!ledger) throw new Error('The ledger is not there yet: ask for it inside a test.');
    return ledger;
  };
}

export interface WorkerOptions {
  ledger: Ledger;
  /** Where the model answers. Default: nowhere. */
  baseURL?: string;
  agents?: Config['agents'];
  tools?: Config['tools'];
  /** Of the alias `default`. */
  model?: { model?: string; timeoutMs?: number; maxOutputTokens?: number; tokenizer?: 'o200k_base' };
  owner?: string;
}

export interface AttemptOptions {
  runId?: string;
  /** Temporal's number of the attempt. */
  attempt?: number;
  local?: boolean;
}

/** One attempt of an activity, under way. */
export interface Attempt<Result> {
  result: Promise<Result>;
  cancel(): void;
  /** Heartbeats so far. */
  heartbeats(): number;
}

export interface TestWorker {
  callModel(request: CallModelRequest, options?: AttemptOptions): Attempt<CallModelResult>;
  runTool(request: RunToolRequest, options?: AttemptOptions): Attempt<RunToolResult>;
}

/** A worker as far as activities can see; a second one on the same ledger is another process to the first. */
export function aWorker(options: WorkerOptions): TestWorker {
  const { ledger, agents = {}, tools = {}, baseURL = 'http://127.0.0.1:9/v1', owner = randomUUID() } = options;
  const config = resolveConfig({
    agents,
    tools,
    workflows: 'workflow.ts',
    models: {
      default: {
        provider: 'test',
        model: 'test-1',
        price: { input: 1, output: 10, cachedInput: 0.5 },
        ...options.model,
      },
      other: { provider: 'test', model: 'test-2' },
    },
    // All tests of a file share one ledger: one's faults must not open the breaker before another.
    providers: { test: { baseURL, apiKeyEnv: 'TEST_API_KEY', breaker: false } },
  });
  const { callModel, runTool } = createActivities({
    workflows: [],
    ledger,
    config,
    metrics: new Metrics(noopMetricMeter, config),
    spans: undefined,
    models: new ModelClients(config, { TEST_API_KEY: apiKey }),
    transcripts: new TranscriptCache(),
    owner,
  });
  return {
    callModel: (request, attempt) => startAttempt(callModel, request, attempt),
    runTool: (request, attempt) => startAttempt(runTool, request, attempt),
  };
}

function startAttempt<Request, Result>(
  activity: (request: Request) => Promise<Result>,
  request: Request,
  { runId = randomUUID(), attempt = 1, local = false }: AttemptOptions = {},
): Attempt<Result> {
  const environment = new MockActivityEnvironment(
    { attempt, isLocal: local, workflowExecution: { workflowId: workflowIdOf(runId), runId } },
    { logger: new DefaultLogger('ERROR') },
  );
  let heartbeats = 0;
  environment.on('heartbeat', () => (heartbeats += 1));
  return {
    result: environment.run<[Request], Result, (request: Request) => Promise<Result>>(activity, request),
    cancel: () => environment.cancel(),
    heartbeats: () => heartbeats,
  };
}

export function workflowIdOf(runId: string): string {
  return `workflow-${runId}`;
}

export function stepsOf(ledger: Ledger, runId: string): Promise<StepSummary[]> {
  return listSteps(ledger, { scope: workflowIdOf(runId) });
}

/** The run's only step. */
export async function stepOf(ledger: Ledger, runId: string): Promise<StepSummary> {
  const [step, ...more] = await stepsOf(ledger, runId);
  if (!step || more.length > 0) throw new Error(`expected one step, found ${step ? more.length + 1 : 0}`);
  return step;
}

/** What an attempt failed with, as Temporal gets it. */
export async function failureOf(attempt: {
  result: Promise<unknown>;
}): Promise<ApplicationFailure & { type: ErrorType }> {
  const error = await attempt.result.then(
    (value) => new Error(`expected a failure, got ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  );
  if (!(error instanceof ApplicationFailure)) throw error;
  return error as ApplicationFailure & { type: ErrorType };
}

/** The examples as their READMEs run them, on the offline model; and with a scripted one, what they do when something fails. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import {
  json,
  recordRun,
  refusal,
  replayHistory,
  type ScriptFunction,
  scriptedModel,
  startTestStack,
} from 'segno/testing';
import type { ScriptedModel, TestStack, TestStackOptions, TestWorker } from 'segno/testing';
import type { DocumentRef, SegnoError } from 'segno';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import * as feedbackAgents from '../../../examples/collect-and-aggregate/agents.js';
import * as feedbackTools from '../../../examples/collect-and-aggregate/tools.js';
import type { FeedbackReport } from '../../../examples/collect-and-aggregate/workflow.js';
import * as contentAgents from '../../../examples/content-pipeline/agents.js';
import { addContent, addVersion } from '../../../examples/content-pipeline/contentStore.js';
import * as contentTools from '../../../examples/content-pipeline/tools.js';
import type { ContentPipelineResult } from '../../../examples/content-pipeline/workflow.js';

const startTimeoutMs = 180_000;
const examples = new URL('../../../examples/', import.meta.url);
const project: TestStackOptions = {
  agents: [feedbackAgents, contentAgents],
  tools: [feedbackTools, contentTools],
  workflows: ['collect-and-aggregate', 'content-pipeline'].map((name) => new URL(`${name}/workflow.ts`, examples).href),
};
const mediaTypes: Record<string, string> = { csv: 'text/csv', md: 'text/markdown', txt: 'text/plain' };

/** What an agent answers; by default the script has an answer for every agent. */
const answers = new Map<string, ScriptFunction>();
let folder: string;
let model: ScriptedModel;
let offline: TestStack;
let scripted: TestStack;
let workflowBundle: TestWorker['workflowBundle'];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'segno-examples-'));
  model = await scriptedModel((request) => (answers.get(request.agent ?? '') ?? usual(request.agent))(request));
  offline = await startTestStack({ ...project, model: 'offline', worker: false });
  ({ workflowBundle } = await offline.startWorker());
  scripted = await startTestStack({ ...project, model });
  vi.stubEnv('DATABASE_URL', offline.databaseUrl);
  vi.stubEnv('SEGNO_OUTBOX', join(folder, 'outbox'));
}, startTimeoutMs);
afterEach(() => answers.clear());
afterAll(async () => {
  vi.unstubAllEnvs();
  await scripted?.close();
  await offline?.close();
  await model?.close();
  rmSync(folder, { recursive: true, force: true });
}, startTimeoutMs);

function usual(agent: string | undefined): ScriptFunction {
  const usualAnswers: Record<string, unknown> = {
    sentimentAnalyst: { sentiment: 'mixed', sentimentScore: 0.1, strengths: ['Great coffee.'], complaints: [] },
    summarizer: { summary: 'Delivery is slow.' },
    categorizer: { category: 'delivery', urgent: true },
    analyzer: { sentiment: 'positive', keywords: ['dahlias'], readabilityScore: 80, suggestions: ['Split it.'] },
    enhancer: { enhancedText: '# Dahlias\n\nBetter.', improvements: ['Split.'], seoOptimized: true },
    publisher: { socialPosts: ['Dahlias!'] },
  };
  return () => json(usualAnswers[agent ?? '']);
}

function put(stack: TestStack, path: string): Promise<DocumentRef> {
  const name = path.split('/').at(-1) ?? '';
  return stack.client.putDocument(readFileSync(new URL(path, examples)), mediaTypes[name.split('.')[1] ?? ''] ?? '', {
    runId: 'input',
    name,
  });
}

async function channels(stack: TestStack): Promise<Record<string, DocumentRef>> {
  const [survey, reviews, mail] = await Promise.all(
    ['survey.csv', 'reviews.md', 'mail.txt'].map((file) => put(stack, `collect-and-aggregate/input/${file}`)),
  );
  return { survey: survey!, reviews: reviews!, mail: mail! };
}

async function failureOf(result: Promise<unknown>): Promise<SegnoError> {
  return result.then(
    (value) => Promise.reject(new Error(`expected a failure, got ${JSON.stringify(value)}`)),
    (reason: unknown) => reason as SegnoError,
  );
}

function planOf(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`content-pipeline/plans/${name}.json`, examples), 'utf8'));
}

function notes(): string {
  const outbox = join(folder, 'outbox');
  return readdirSync(outbox)
    .map((file) => readFileSync(join(outbox, file), 'utf8'))
    .join('\n');
}

describe('collect-and-aggregate', () => {
  const collect = async (stack: TestStack, input: unknown) => {
    const run = await stack.client.start('collectAndAggregate', input);
    return { id: run.id, result: run.result() as Promise<FeedbackReport> };
  };

  it('puts one report together from all channels, whose times are the same on a replay', async () => {
    const { id, result } = await collect(offline, await channels(offline));
    const report = await result;
    expect(report).toMatchObject({ messages: 12, channels: { survey: 5, reviews: 4, mail: 3 }, gaps: [] });
    expect(Object.values(report.categories).reduce((sum, count) => sum + count, 0)).toBe(12);
    expect(report.collectedAt <= report.aggregatedAt).toBe(true);
    const markdown = new TextDecoder().decode(await offline.client.getDocument(report.document));
    expect(markdown).toContain('# Customer feedback');
    expect(markdown).toContain(report.aggregatedAt);

    const dir = join(folder, 'feedback');
    await recordRun(offline.client, id, { dir });
    await replayHistory({ workflowBundle, dir });
  });

  it('goes on without an agent that fails, and says what is missing', async () => {
    answers.set('sentimentAnalyst', () => refusal('Not this one.'));
    answers.set('categorizer', (request) =>
      JSON.stringify(request.messages).includes('Sidamo')
        ? refusal('No.')
        : json({ category: 'product', urgent: false }),
    );
    const report = await (await collect(scripted, await channels(scripted))).result;
    expect(report).toMatchObject({ sentiment: null, summary: 'Delivery is slow.', categories: { product: 11 } });
    expect(report.gaps).toEqual([expect.stringContaining('sentiment: Model.Refused'), '1 messages are in no category']);
  });

  it('goes on without a channel that cannot be read', async () => {
    const pdf = await scripted.client.putDocument(new TextEncoder().encode('no PDF'), 'application/pdf', {
      runId: 'input',
    });
    const report = await (await collect(scripted, { ...(await channels(scripted)), mail: pdf })).result;
    expect(report.channels).toEqual({ survey: 5, reviews: 4, mail: null });
    expect(report.gaps).toEqual([expect.stringContaining('mail could not be read')]);
  });

  it('fails when no study completes, and leaves a note', async () => {
    for (const agent of ['sentimentAnalyst', 'summarizer', 'categorizer']) answers.set(agent, () => refusal('No.'));
    const { result } = await collect(scripted, { ...(await channels(scripted)), notify: 'ada@roastery.example' });
    expect(await failureOf(result)).toMatchObject({ type: 'Pattern.TooFew' });
    expect(notes()).toMatch(/To: ada@roastery\.example[\s\S]*Pattern\.TooFew/);
  });

  it('asks for a channel when there is none', async () => {
    const { result } = await collect(scripted, {});
    expect(await failureOf(result)).toMatchObject({
      type: 'Run.InvalidInput',
      message: expect.stringContaining('survey'),
    });
  });
});

describe('content-pipeline', () => {
  const publish = async (stack: TestStack, text: string | undefined, deps?: { userId: string }) => {
    const document =
      text === undefined
        ? await put(stack, 'content-pipeline/input/first-frost.md')
        : await stack.client.putDocument(new TextEncoder().encode(text), 'text/markdown', { runId: 'input' });
    const run = await stack.client.start('contentPipeline', { document }, deps && { deps });
    return { id: run.id, result: run.result() as Promise<ContentPipelineResult> };
  };
  const rows = async (table: string, contentId: string): Promise<Record<string, unknown>[]> => {
    const client = new pg.Client({ connectionString: offline.databaseUrl });
    await client.connect();
    try {
      const sql = `select * from content_pipeline.${table} where content_id = $1`;
      return (await client.query<Record<string, unknown>>(sql, [contentId])).rows;
    } finally {
      await client.end();
    }
  };

  it('analyzes, enhances and publishes, each write once in the store', async () => {
    const { id, result } = await publish(offline, undefined, { userId: 'noor' });
    const { status, contentId, output, steps, durationMs } = await result;
    expect(status).toBe('completed');
    expect(Object.entries(steps).map(([name, step]) => `${name} ${step.status}`)).toEqual([
      'analyze completed',
      'enhance completed',
      'publish completed',
    ]);
    expect(output.publication).toMatchObject({ published: true, url: `https://magazine.example/${contentId}` });
    expect(output.enhancement?.enhancedText).toContain('Dahlias are not hardy. The first hard frost');
    expect(durationMs).toBeGreaterThan(0);
    expect(await rows('versions', contentId)).toMatchObject([{ number: 1, saved_by: 'noor' }]);
    expect(await rows('publications', contentId)).toMatchObject([{ version: 1, published_by: 'noor' }]);

    const dir = join(folder, 'content');
    await recordRun(offline.client, id, { dir });
    await replayHistory({ workflowBundle, dir });
  });

  it('keeps the analysis it has when publishing fails, and says what failed', async () => {
    const text = '# Roses\n\nPrune them in March.';
    await (
      await publish(scripted, text, { userId: 'noor' })
    ).result;
    const before = model.requests.filter(({ agent }) => agent === 'analyzer').length;
    const result = await (await publish(scripted, text, { userId: 'tomasz' })).result;
    expect(result).toMatchObject({
      status: 'partial',
      failedStep: 'publish',
      error: { type: 'Tool.Failed', message: expect.stringContaining('tomasz may not publish') as string },
    });
    expect(result.output).toEqual({ analysis: expect.objectContaining({ keywords: ['dahlias'] }) as unknown });
    expect(model.requests.filter(({ agent }) => agent === 'analyzer')).toHaveLength(before + 1);
    expect(await rows('publications', result.contentId)).toHaveLength(1);
  });

  it('fails with the first error when the smaller workflow fails, too', async () => {
    let calls = 0;
    answers.set('analyzer', () => refusal((calls += 1) === 1 ? 'the first reason' : 'another reason'));
    const { result } = await publish(scripted, '# Tulips\n\nPlant them in November.', { userId: 'noor' });
    const failure = await failureOf(result);
    expect(failure.type).toBe('Model.Refused');
    expect(failure.message).toMatch(/^[^\n]*the first reason[\s\S]*then analysisOnly[\s\S]*another reason/);
  });

  it('does nothing for nobody', async () => {
    const { result } = await publish(scripted, '# Asters\n\nThey flower late.');
    expect((await failureOf(result)).type).toMatch(/^Deps\./);
  });

  it.each(['quick_analysis', 'analysis_and_enhancement', 'full_pipeline'])('runs as the plan %s', async (name) => {
    const document = await put(scripted, 'content-pipeline/input/first-frost.md');
    const run = await scripted.client.start(
      'runPlan',
      { plan: planOf(name), input: { document } },
      { deps: { userId: 'noor' } },
    );
    expect(await run.result()).toMatchObject({
      status: 'completed',
      output: {
        analysis: { keywords: ['dahlias'] },
        ...(name !== 'quick_analysis' && { enhancement: { seoOptimized: true } }),
        ...(name === 'full_pipeline' && { publication: { published: true } }),
      },
    });
  });

  it('keeps what the plan full_pipeline has done when a later step fails', async () => {
    answers.set('enhancer', () => refusal('Not this one.'));
    const document = await put(scripted, 'content-pipeline/input/first-frost.md');
    const input = { plan: planOf('full_pipeline'), input: { document } };
    const run = await scripted.client.start('runPlan', input, { deps: { userId: 'noor' } });
    expect(await run.result()).toMatchObject({
      status: 'partial',
      failedStep: 'enhance',
      error: { type: 'Model.Refused' },
      output: { analysis: { keywords: ['dahlias'] }, enhancement: null, publication: null },
    });
  });

  it('writes a version once for a key, and the next one for another', async () => {
    const call = { contentId: 'lilies', userId: 'noor', idempotencyKey: 'first' };
    const version = { text: 'Better.', improvements: [] };
    await addContent('lilies', { title: 'Lilies', text: 'Good.', authorId: 'noor' });
    expect(await Promise.all([addVersion(call, version), addVersion(call, version)])).toEqual([1, 1]);
    expect(await addVersion({ ...call, idempotencyKey: 'second' }, version)).toBe(2);
  });
});

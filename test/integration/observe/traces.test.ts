/** Traces as a collector gets them: a worker process that sends over HTTP. */
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { error, json, toolCalls } from '../../../testing/index.js';
import { startTestStack, type TestStack } from '../../../testing/testStack.js';
import { aCase, failureOf } from '../agents/agentsStack.js';
import { type CaseModel, caseModel } from '../agents/caseModel.js';
import { type CollectedSpan, type Collector, startCollector } from './collector.js';
import type { answerCase, answerTwice, failToLookUp } from './project/workflow.js';

const startTimeoutMs = 180_000;
const configPath = fileURLToPath(new URL('./project/segno.config.ts', import.meta.url));
const used = { usage: { promptTokens: 100, completionTokens: 10 } };
const answer = json({ answer: '42' }, used);
const lookUp = toolCalls([{ name: 'lookUp', arguments: { text: 'the hidden shelf' } }], used);

interface TracedStack {
  stack: TestStack;
  scripted: CaseModel;
  collector: Collector;
  provider: string;
}

function useTracedStack(more: NodeJS.ProcessEnv): () => TracedStack {
  let started: TracedStack | undefined;
  beforeAll(async () => {
    const [scripted, collector] = await Promise.all([caseModel(), startCollector()]);
    const stack = await startTestStack({ workflows: configPath, worker: false });
    const provider = `traced-${randomUUID().slice(0, 8)}`;
    started = { stack, scripted, collector, provider };
    await stack.startWorkerProcess({
      configPath,
      env: {
        ...{ OBSERVE_MODEL_URL: scripted.model.url, OBSERVE_PROVIDER: provider },
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
        OTEL_EXPORTER_OTLP_HEADERS: 'x-key=very%20secret',
        OTEL_BSP_SCHEDULE_DELAY: '50',
        OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
        ...more,
      },
    });
  }, startTimeoutMs);
  afterAll(async () => {
    await started?.stack.close();
    await started?.scripted.model.close();
    await started?.collector.close();
  }, startTimeoutMs);
  return () => started!;
}

/** Spans of one trace, once its root has come. */
async function traceOf({ collector }: TracedStack, traceId: string, root: string): Promise<CollectedSpan[]> {
  const own = (): CollectedSpan[] => collector.spans.filter((span) => span.traceId === traceId);
  await expect.poll(() => own().map(({ name }) => name), { timeout: 15_000 }).toContain(root);
  return own();
}

const idOf = (runId: string): string => runId.replaceAll('-', '');
const named = (spans: readonly CollectedSpan[], name: string): CollectedSpan[] =>
  spans.filter((span) => span.name === name).sort((a, b) => (a.startTimeUnixNano < b.startTimeUnixNano ? -1 : 1));

describe('traces', () => {
  const traced = useTracedStack({});

  it('are one tree of run, agent, model calls and tool, over fallbacks, a retry and an open breaker', async () => {
    const { stack, scripted, collector, provider } = traced();
    const name = aCase();
    const small = [error(500), lookUp, answer];
    scripted.script(name, ({ model }) => (model === 'large' ? error(500) : small.shift()!));
    const run = await stack.client.start<typeof answerCase>('answerCase', { case: name });
    expect(await run.result()).toBe('42');
    const spans = await traceOf(traced(), idOf(run.runId), 'invoke_workflow answerCase');

    const [root, ...otherRoots] = spans.filter(({ parentSpanId }) => parentSpanId === undefined);
    expect(otherRoots).toEqual([]);
    expect(root).toMatchObject({ name: 'invoke_workflow answerCase', kind: 1, status: {} });
    expect(root?.attributes).toMatchObject({ 'gen_ai.operation.name': 'invoke_workflow', 'segno.workflow.id': run.id });
    const [agent, ...otherAgents] = named(spans, 'invoke_agent clerk');
    expect(otherAgents).toEqual([]);
    expect(agent).toMatchObject({ parentSpanId: root?.spanId, kind: 1, status: {} });
    const chats = spans.filter(({ name: one }) => one.startsWith('chat '));
    const tools = named(spans, 'execute_tool lookUp');
    expect(spans).toHaveLength(2 + chats.length + tools.length);
    for (const span of [...chats, ...tools]) expect(span.parentSpanId).toBe(agent?.spanId);

    expect(named(spans, 'chat large').map(({ attributes }) => attributes['error.type'])).toEqual([
      'Model.ServerError',
      'Model.ServerError',
    ]);
    const answers = named(spans, 'chat small');
    expect(answers.map(({ attributes, status }) => [attributes['error.type'], status.code])).toEqual([
      ['Model.ServerError', 2],
      [undefined, undefined],
      [undefined, undefined],
    ]);
    expect(answers.at(-1)).toMatchObject({
      kind: 3,
      attributes: {
        'gen_ai.operation.name': 'chat',
        'gen_ai.provider.name': provider,
        'gen_ai.request.model': 'small',
        'gen_ai.response.finish_reasons': ['stop'],
        'gen_ai.usage.input_tokens': 100,
        'gen_ai.usage.output_tokens': 10,
        'gen_ai.agent.name': 'clerk',
        'gen_ai.output.type': 'json',
        'server.address': '127.0.0.1',
        'segno.cost.usd': 0.0002,
        'segno.model.fallback_from': ['default'],
        'segno.step.path': 'clerk#1/turn#2',
      },
    });
    expect(tools).toMatchObject([
      { attributes: { 'gen_ai.tool.name': 'lookUp', 'gen_ai.tool.type': 'function', 'gen_ai.agent.name': 'clerk' } },
    ]);
    expect(tools[0]?.attributes['gen_ai.tool.call.id']).toEqual(expect.any(String));
    expect(collector.resources[0]).toMatchObject({
      'service.name': 'segno-worker',
      'deployment.environment.name': 'test',
    });
  });

  it('hold together over continue-as-new and a child, under the span the run was started in', async () => {
    const { stack, scripted } = traced();
    const name = aCase();
    scripted.script(name, () => answer);
    const above = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) };
    const traceparent = `00-${above.traceId}-${above.spanId}-01`;
    const run = await stack.client.start<typeof answerTwice>('answerTwice', { case: name }, { traceparent });
    await run.result();
    const spans = await traceOf(traced(), above.traceId, 'invoke_workflow answerTwice');
    const [root, ...others] = named(spans, 'invoke_workflow answerTwice');
    expect(others).toEqual([]);
    expect(root?.parentSpanId).toBe(above.spanId);
    const [child] = named(spans, 'invoke_workflow answerCase');
    expect(child?.parentSpanId).toBe(root?.spanId);
    const byName = named(spans, 'invoke_agent clerk');
    expect(byName.map(({ parentSpanId }) => parentSpanId)).toEqual([root?.spanId, child?.spanId]);
    const chats = spans.filter(({ name: one }) => one.startsWith('chat '));
    expect(chats.map(({ parentSpanId }) => parentSpanId).sort()).toEqual(byName.map(({ spanId }) => spanId).sort());
  });

  it('tell a failure by its type, and nothing of what was said', async () => {
    const { stack, collector } = traced();
    const run = await stack.client.start<typeof failToLookUp>('failToLookUp', undefined as never);
    await failureOf(run.result());
    const spans = await traceOf(traced(), idOf(run.runId), 'invoke_workflow failToLookUp');
    expect(spans.map(({ name, status, attributes }) => [name, status.code, attributes['error.type']])).toEqual([
      ['execute_tool lookUp', 2, 'Tool.Failed'],
      ['execute_tool lookUp', 2, 'Tool.Failed'],
      ['invoke_workflow failToLookUp', 2, 'Tool.Failed'],
    ]);
    const sent = collector.bodies.join('\n');
    for (const said of ['hidden shelf', 'secret shelf', '42', 'Answer the case', 'very secret'])
      expect(sent.replace(/"(intValue|\w+Nano|\w*[iI]d)":"[^"]*"/g, '')).not.toContain(said === '42' ? '\\"42' : said);
    expect(collector.headers.every((headers) => headers['x-key'] === 'very secret')).toBe(true);
  });

  it('leave no word of a trace in the history of a run', async () => {
    const { stack, scripted } = traced();
    const name = aCase();
    scripted.script(name, [answer]);
    const run = await stack.client.start<typeof answerCase>('answerCase', { case: name });
    await run.result();
    const { events } = await stack.client.temporal.workflow.getHandle(run.id).fetchHistory();
    const scheduled = events?.flatMap((event) => event.activityTaskScheduledEventAttributes ?? []) ?? [];
    expect(scheduled).toHaveLength(1);
    expect(Object.keys(scheduled[0]?.header?.fields ?? {})).toEqual([]);
    expect(Buffer.from(scheduled[0]?.input?.payloads?.[0]?.data ?? []).toString()).not.toContain('trace');
  });
});

describe('traces with what was said', () => {
  const traced = useTracedStack({ OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: 'true' });

  it('carry messages, arguments and results in the shape of the conventions', async () => {
    const { stack, scripted } = traced();
    const name = aCase();
    scripted.script(name, [lookUp, answer]);
    const run = await stack.client.start<typeof answerCase>('answerCase', { case: name });
    await run.result();
    const spans = await traceOf(traced(), idOf(run.runId), 'invoke_workflow answerCase');
    const last = named(spans, 'chat large').at(-1)?.attributes ?? {};
    const input = JSON.parse(String(last['gen_ai.input.messages'])) as { role: string; parts: { type: string }[] }[];
    expect(input.map(({ role, parts }) => [role, ...parts.map(({ type }) => type)])).toEqual([
      ['system', 'text'],
      ['user', 'text'],
      ['assistant', 'tool_call'],
      ['tool', 'tool_call_response'],
    ]);
    expect(JSON.parse(String(last['gen_ai.output.messages']))).toEqual([
      { role: 'assistant', parts: [{ type: 'text', content: '{"answer":"42"}' }], finish_reason: 'stop' },
    ]);
    expect(named(spans, 'execute_tool lookUp')[0]?.attributes).toMatchObject({
      'gen_ai.tool.call.arguments': '{"text":"the hidden shelf"}',
      'gen_ai.tool.call.result': '"found the hidden shelf"',
    });
  });
});

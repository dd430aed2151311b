import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import type { CallModelRequest } from '../../../core/contracts.js';
import { defineAgent } from '../../../core/defineAgent.js';
import { defineTool } from '../../../core/defineTool.js';
import { callsPerTurn } from '../../../core/limits.js';
import { loadTranscript, markDead, putBlob, registerWorker, usageOfRun } from '../../../ledger/index.js';
import {
  error,
  hang,
  json,
  refusal,
  type Script,
  scriptedModel,
  type ScriptedModel,
  streamOf,
  text,
  toolCalls,
} from '../../../testing/index.js';
import { aWorker, failureOf, stepOf, useLedger, workflowIdOf } from './activityWorker.js';
import { chunk, events, rawProvider, usageChunk } from './rawProvider.js';

const ledger = useLedger();
const Verdict = z.strictObject({ verdict: z.enum(['good', 'bad']), score: z.number().min(0).max(1) });
const writer = defineAgent({ instructions: 'Write.', input: z.string(), output: z.string().min(2) });
const judge = defineAgent({ instructions: 'Judge.', input: z.object({ text: z.string() }), output: Verdict });
const lister = defineAgent({ instructions: 'List.', input: z.string(), output: z.array(z.string()) });
const agents = { writer, judge, lister };
const write = { agent: 'writer', path: 'writer#1/turn#1', input: 'Go.' } satisfies CallModelRequest;
const judging = { agent: 'judge', path: 'judge#1/turn#1', input: { text: 'It rains.' } } satisfies CallModelRequest;
const listing = { agent: 'lister', path: 'lister#1/turn#1', input: 'fruit' } satisfies CallModelRequest;
const usage = { usage: { promptTokens: 100, cachedTokens: 40, completionTokens: 7 } };
/** 60 × 1 + 40 × 0.5 + 7 × 10 USD per million. */
const cost = 150_000_000n;

let model: ScriptedModel | undefined;
afterEach(() => model?.close());

async function world(script: Script, more: Partial<Parameters<typeof aWorker>[0]> = {}) {
  await model?.close();
  model = await scriptedModel(script);
  const options = { ledger: ledger(), baseURL: model.url, agents, ...more };
  return { model, runId: randomUUID(), worker: aWorker(options), another: () => aWorker(options) };
}

describe('usage is recorded exactly once', () => {
  it('for an answer, with its exact cost', async () => {
    const { worker, runId } = await world([text('Once.', usage)]);
    const { usage: returned } = await worker.callModel(write, { runId }).result;
    expect(returned).toEqual([100, 7, String(cost)]);
    expect((await stepOf(ledger(), runId)).usage).toEqual({
      inputTokens: 100,
      outputTokens: 7,
      cachedInputTokens: 40,
      costPicoUsd: cost,
      estimated: false,
    });
  });

  it('for every attempt, failed ones too', async () => {
    const { worker, runId, model } = await world([error(500), refusal('No.', usage), text('Never asked for.')]);
    await failureOf(worker.callModel(write, { runId, attempt: 1 }));
    expect(await failureOf(worker.callModel(write, { runId, attempt: 2 }))).toMatchObject({ type: 'Model.Refused' });
    expect(await failureOf(worker.callModel(write, { runId, attempt: 3 }))).toMatchObject({ type: 'Model.Refused' });
    expect(model.requests).toHaveLength(2);
    const step = await stepOf(ledger(), runId);
    expect(step).toMatchObject({ attempts: 2, state: 'failed', usage: { costPicoUsd: cost, estimated: false } });
  });

  it('at its upper bound for an attempt whose worker was lost, beside the next one’s real usage', async () => {
    const { worker, another, runId, model } = await world([hang(), text('Once.', usage)]);
    const lost = worker.callModel(write, { runId, attempt: 1 });
    await vi.waitFor(() => expect(model.requests).toHaveLength(1));
    await another().callModel(write, { runId, attempt: 2 }).result;
    const { attempts, usage: sum } = await stepOf(ledger(), runId);
    expect(attempts).toBe(2);
    expect(sum).toMatchObject({ estimated: true, outputTokens: 4_096 + 7 });
    // Its bytes bound its tokens from above: what is counted is never less than what was sent.
    expect(sum.inputTokens).toBeGreaterThan(100 + 'Write.Go.'.length);
    lost.cancel();
    await lost.result.catch(() => undefined);
  });

  it('for a fenced attempt that comes back: its real usage takes the place of the upper bound, its answer is discarded', async () => {
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    const slow = async () => {
      await released;
      return text('Too late.', { usage: { promptTokens: 10, completionTokens: 1 } });
    };
    const { worker, another, runId, model } = await world([slow, text('In time.', usage)]);
    const first = worker.callModel(write, { runId, attempt: 1 });
    await vi.waitFor(() => expect(model.requests).toHaveLength(1));
    const second = await another().callModel(write, { runId, attempt: 2 }).result;
    release();
    expect(await failureOf(first)).toMatchObject({ type: 'Step.Fenced', nonRetryable: false });
    expect(second.output).toBe('In time.');
    const step = await stepOf(ledger(), runId);
    expect(step.state).toBe('done');
    expect(step.usage).toMatchObject({ inputTokens: 110, outputTokens: 8, estimated: false });
    expect((await worker.callModel(write, { runId, attempt: 3 }).result).output).toBe('In time.');
    expect(model.requests).toHaveLength(2);
  });

  it('from what can be true of what the provider says', async () => {
    const odd = { prompt_tokens: 10, completion_tokens: 2, prompt_tokens_details: { cached_tokens: 50 } };
    const provider = await rawProvider(events([chunk({ content: 'Fine.' }, { finish: 'stop' }), usageChunk(odd)]));
    const { worker, runId } = await world([], { baseURL: provider.baseURL });
    await worker.callModel(write, { runId }).result;
    await provider.close();
    expect((await stepOf(ledger(), runId)).usage).toMatchObject({ inputTokens: 10, cachedInputTokens: 10 });
  });

  it('at its upper bound when the provider tells none', async () => {
    const provider = await rawProvider(events([chunk({ content: 'Fine.' }, { finish: 'stop' }), '[DONE]']));
    const { worker, runId } = await world([], { baseURL: provider.baseURL });
    await worker.callModel(write, { runId }).result;
    await provider.close();
    expect((await stepOf(ledger(), runId)).usage).toMatchObject({ estimated: true, outputTokens: 4_096 });
  });
});

describe('a finished step', () => {
  it('calls nothing when it is called again, on any worker', async () => {
    const { worker, another, runId, model } = await world([text('Once.')]);
    const first = await worker.callModel(write, { runId }).result;
    expect(await another().callModel(write, { runId, attempt: 2 }).result).toEqual(first);
    expect(model.requests).toHaveLength(1);
  });

  it('is never the answer to another input', async () => {
    const { worker, runId, model } = await world([text('Once.')]);
    await worker.callModel(write, { runId }).result;
    const other = worker.callModel({ ...write, input: 'Stop.' }, { runId });
    expect(await failureOf(other)).toMatchObject({ type: 'Step.Mismatch', nonRetryable: true });
    expect(model.requests).toHaveLength(1);
  });
});

describe('attempts', () => {
  it('that are limited end with the last one', async () => {
    const { worker, runId } = await world([error(500), error(500)]);
    const limited = { ...write, options: { maxAttempts: 2 } };
    expect(await failureOf(worker.callModel(limited, { runId, attempt: 1 }))).toMatchObject({ nonRetryable: false });
    const last = await failureOf(worker.callModel(limited, { runId, attempt: 2 }));
    expect(last).toMatchObject({ type: 'Model.ServerError', nonRetryable: true });
    expect(last.message).toContain('attempt 2 of 2');
  });

  it('that were cut because their worker shuts down fail nothing, even the last one', async () => {
    const { worker, another, runId, model } = await world([hang(), text('Once.')]);
    const limited = { ...write, options: { maxAttempts: 1 } };
    const cut = worker.callModel(limited, { runId, attempt: 1 });
    await vi.waitFor(() => expect(model.requests).toHaveLength(1));
    cut.cancel();
    await expect(cut.result).rejects.toMatchObject({ name: 'CancelledFailure' });
    expect((await another().callModel(limited, { runId, attempt: 2 }).result).output).toBe('Once.');
  });
});

describe('a cancelled call', () => {
  it('ends the request, so that the provider sees its client go, and is recorded at its upper bound', async () => {
    const { worker, runId, model } = await world([streamOf(['Once ', 'upon ', 'a ', 'time'], { delayMs: 60_000 })]);
    const call = worker.callModel(write, { runId });
    await vi.waitFor(() => expect(model.requests).toHaveLength(1));
    call.cancel();
    await expect(call.result).rejects.toMatchObject({ name: 'CancelledFailure' });
    await vi.waitFor(() => expect(model.stats().clientGone).toBe(1));
    const step = await stepOf(ledger(), runId);
    expect(step).toMatchObject({ state: 'failed', error: { type: 'Run.Cancelled' }, usage: { estimated: true } });
  });
});

describe('heartbeats', () => {
  it('go on while the answer streams and stop with it', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    try {
      let release = (): void => undefined;
      const released = new Promise<void>((resolve) => (release = resolve));
      const { worker, runId, model } = await world([() => released.then(() => text('Once.'))]);
      const call = worker.callModel(write, { runId });
      await vi.waitFor(() => expect(model.requests).toHaveLength(1));
      vi.advanceTimersByTime(3_000);
      expect(call.heartbeats()).toBe(3);
      release();
      await call.result;
      vi.advanceTimersByTime(10_000);
      expect(call.heartbeats()).toBe(3);
    } finally {
      vi.useRealTimers();
    }
  });

  it('stop when the call fails', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    try {
      const { worker, runId } = await world([error(500)]);
      const call = worker.callModel(write, { runId });
      await failureOf(call);
      vi.advanceTimersByTime(10_000);
      expect(call.heartbeats()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('the definition hash', () => {
  const look = defineTool({ description: 'Looks.', input: z.string(), output: z.string(), execute: () => '' });
  const base = { instructions: 'Write.', input: z.string(), output: z.string(), tools: ['look'] };
  const hashOf = async (agent: ReturnType<typeof defineAgent>, more: Partial<Parameters<typeof aWorker>[0]> = {}) => {
    const { worker, runId } = await world([text('Once.')], { agents: { writer: agent }, tools: { look }, ...more });
    await worker.callModel(write, { runId }).result;
    const { rows } = await ledger().query<{ definition_hash: string }>(
      'select definition_hash from segno.steps where run_id = $1',
      [runId],
    );
    return rows[0]!.definition_hash;
  };

  it('is the same for the same definition', async () => {
    expect(await hashOf(defineAgent(base))).toBe(await hashOf(defineAgent({ ...base })));
  });

  it.each<[what: string, agent: ReturnType<typeof defineAgent>, more?: Partial<Parameters<typeof aWorker>[0]>]>([
    ['instructions', defineAgent({ ...base, instructions: 'Write well.' })],
    ['input schema', defineAgent({ ...base, input: z.string().max(100) })],
    ['output schema', defineAgent({ ...base, output: z.string().max(100) })],
    ['tools', defineAgent({ ...base, tools: [] })],
    ['temperature', defineAgent({ ...base, temperature: 0.5 })],
    ['model alias', defineAgent({ ...base, model: 'other' })],
    ['alias’s model', defineAgent(base), { model: { model: 'test-9' } }],
    [
      'a tool’s schema',
      defineAgent(base),
      { tools: { look: defineTool({ ...look, input: z.string().max(9), execute: () => '' }) } },
    ],
  ])('changes with the %s', async (_, agent, more) => {
    expect(await hashOf(agent, more)).not.toBe(await hashOf(defineAgent(base)));
  });
});

describe('an answer', () => {
  it('in plain text is the output of an agent that puts out a string, and no format is asked for', async () => {
    const { worker, model } = await world([text('Once upon a time.')]);
    expect((await worker.callModel(write).result).output).toBe('Once upon a time.');
    expect(model.requests[0]?.body).not.toHaveProperty('response_format');
  });

  it('as a JSON object is checked, and asked for strictly when the schema allows it', async () => {
    const { worker, model } = await world([json({ verdict: 'good', score: 0.9 })]);
    expect((await worker.callModel(judging).result).output).toEqual({ verdict: 'good', score: 0.9 });
    expect(model.requests[0]?.body).toMatchObject({
      response_format: { type: 'json_schema', json_schema: { name: 'judge', strict: true } },
    });
  });

  it('of an open schema or one with optional fields is not asked for strictly', async () => {
    const open = defineAgent({
      instructions: 'Judge.',
      input: z.string(),
      output: z.object({ verdict: z.string(), note: z.string().optional() }),
    });
    const { worker, model } = await world([json({ verdict: 'good' })], { agents: { open } });
    const call = worker.callModel({ agent: 'open', path: 'open#1/turn#1', input: 'It rains.' });
    expect((await call.result).output).toEqual({ verdict: 'good' });
    expect(model.requests[0]?.body).toMatchObject({ response_format: { json_schema: { strict: false } } });
  });

  it('that is no object travels inside one', async () => {
    const { worker, model } = await world([json({ value: ['apple', 'pear'] })]);
    expect((await worker.callModel(listing).result).output).toEqual(['apple', 'pear']);
    expect(model.requests[0]?.body).toMatchObject({
      response_format: { json_schema: { schema: { type: 'object', required: ['value'] } } },
    });
  });

  it('in a Markdown code fence is read', async () => {
    const { worker } = await world([text('```json\n{"verdict": "bad", "score": 0}\n```')]);
    expect((await worker.callModel(judging).result).output).toEqual({ verdict: 'bad', score: 0 });
  });

  it.each<[what: string, answer: Parameters<typeof world>[0], reason: string]>([
    ['does not match', [json({ verdict: 'good', score: 7 })], 'score'],
    ['is no JSON', [text('It is good.')], 'not JSON'],
    ['has a field too many', [json({ verdict: 'good', score: 1, why: 'sun' })], 'why'],
  ])('that %s goes back to the model with the reason, and is no failure', async (_, answer, reason) => {
    const { worker } = await world(answer);
    const result = await worker.callModel(judging).result;
    expect(result.invalid).toContain(reason);
    expect(result).not.toHaveProperty('output');
    const transcript = await loadTranscript(ledger(), { tenant: 'default', head: result.head });
    expect(transcript.map((message) => (message as { role: string }).role)).toEqual([
      'system',
      'user',
      'assistant',
      'user',
    ]);
    expect((transcript.at(-1) as { content: string }).content).toContain(reason);
  });

  it('that asks for tools says which, and how they are run', async () => {
    const quick = defineTool({
      description: 'Q',
      duration: 'quick',
      input: z.object({}),
      output: z.string(),
      execute: () => '',
    });
    const long = defineTool({
      description: 'L',
      timeoutMs: 9_000,
      input: z.object({}),
      output: z.string(),
      execute: () => '',
    });
    const asking = defineAgent({ ...writer, tools: ['quick', 'long'] });
    const calls = toolCalls(['long', 'quick', 'none'].map((name) => ({ name, arguments: {} })));
    const { worker } = await world([calls], { agents: { writer: asking }, tools: { quick, long } });
    expect((await worker.callModel(write).result).calls).toEqual([
      { tool: 'long', policy: { timeoutMs: 9_000 } },
      { tool: 'quick', policy: { quick: true, timeoutMs: 500 } },
      { tool: 'none', policy: { quick: true, timeoutMs: 500 } },
    ]);
  });

  it('that asks for tools by names no key can hold is read under names that can, never under a tool’s', async () => {
    const long = defineTool({ description: 'L', input: z.object({}), output: z.string(), execute: () => '' });
    const asking = defineAgent({ ...writer, tools: ['long_one'] });
    const names = ['nul\u0000', 'a/b#1', 'x'.repeat(5_000), 'long one', ''];
    const parts = names.map((name, index) =>
      chunk({ tool_calls: [{ index, id: `c${index}`, type: 'function', function: { name, arguments: '{}' } }] }),
    );
    const provider = await rawProvider(events([...parts, chunk({}, { finish: 'tool_calls' }), '[DONE]']));
    const options = { baseURL: provider.baseURL, agents: { writer: asking }, tools: { long_one: long } };
    const { worker, runId } = await world([], options);
    const { calls, head } = await worker.callModel(write, { runId }).result;
    await provider.close();
    const expected = ['nul_', 'a_b_1', 'x'.repeat(60), 'long_one_unknown', '_unknown'];
    expect(calls?.map(({ tool }) => tool)).toEqual(expected);
    for (const [index, tool] of expected.entries()) {
      const request = { tool, path: `writer#1/turn#1/${tool}#1`, agent: 'writer', head, index };
      await expect(worker.runTool(request, { runId }).result).resolves.toHaveProperty('hash');
    }
  });

  it('that asks for more tools than a turn may have fails for good', async () => {
    const calls = toolCalls(Array.from({ length: callsPerTurn + 1 }, () => ({ name: 'none', arguments: {} })));
    const { worker } = await world([calls]);
    const failure = await failureOf(worker.callModel(write));
    expect(failure).toMatchObject({ type: 'Model.InvalidOutput', nonRetryable: true });
  });

  it.each<[what: string, indices: (number | undefined)[]]>([
    ['counts them from 1', [1, 2]],
    ['does not number them', [undefined, undefined]],
  ])('with tool calls of a provider that %s is read', async (_, indices) => {
    const parts = indices.map((index, at) =>
      chunk({
        tool_calls: [{ index, id: `c${at}`, type: 'function', function: { name: `tool${at}`, arguments: '{}' } }],
      }),
    );
    const provider = await rawProvider(events([...parts, chunk({}, { finish: 'tool_calls' }), '[DONE]']));
    const { worker } = await world([], { baseURL: provider.baseURL });
    const { calls } = await worker.callModel(write).result;
    await provider.close();
    expect(calls?.map(({ tool }) => tool)).toEqual(['tool0', 'tool1']);
  });

  it.each([
    ['a refusal', refusal('I may not.', usage), 'Model.Refused', 'I may not.'],
    ['cut at the output limit', text('Once up', { finishReason: 'length', ...usage }), 'Model.LengthLimit', 'limit'],
    ['filtered', text('', { finishReason: 'content_filter', ...usage }), 'Model.ContentFiltered', 'filter'],
  ])('that is %s fails for good, with its usage', async (_, step, type, message) => {
    const { worker, runId } = await world([step]);
    const failure = await failureOf(worker.callModel(write, { runId }));
    expect(failure).toMatchObject({ type, nonRetryable: true });
    expect(failure.message).toContain(message);
    expect((await stepOf(ledger(), runId)).usage).toMatchObject({ costPicoUsd: cost, estimated: false });
  });

  it('on which the schema’s own code throws fails for good: asking again would cost again', async () => {
    const broken = defineAgent({
      ...writer,
      output: z.string().refine(() => {
        throw new Error('a bug');
      }),
    });
    const { worker, runId } = await world([text('Once.', usage)], { agents: { writer: broken } });
    expect(await failureOf(worker.callModel(write, { runId }))).toMatchObject({
      type: 'Model.InvalidOutput',
      nonRetryable: true,
    });
    expect((await stepOf(ledger(), runId)).usage.costPicoUsd).toBe(cost);
  });
});

describe('a request', () => {
  it('names its step to the provider in whatever script its branches are named', async () => {
    const { worker, runId, model } = await world([text('Once.')]);
    await worker.callModel({ ...write, path: 'parallel#1/größe 大/writer#1/turn#1' }, { runId }).result;
    const headers = model.requests[0]?.headers;
    expect(headers?.['x-client-request-id']).toBe(`${runId}/parallel#1/gr__e _/writer#1/turn#1#1`);
    expect(headers?.['x-segno-agent']).toBe('writer');
  });

  it('carries the model, the limits and the settings of alias, agent and call, the nearest first', async () => {
    const limited = defineAgent({ ...writer, maxOutputTokens: 77, temperature: 0.3 });
    const { worker, model } = await world([text('Once.'), text('Once.')], {
      agents: { writer: limited },
      model: { maxOutputTokens: 1_000 },
    });
    await worker.callModel(write).result;
    await worker.callModel({ ...write, options: { model: 'other', maxOutputTokens: 9 } }).result;
    expect(model.requests[0]?.body).toMatchObject({ model: 'test-1', max_completion_tokens: 77, temperature: 0.3 });
    expect(model.requests[1]?.body).toMatchObject({ model: 'test-2', max_completion_tokens: 9 });
  });

  it.each([
    [{ ...write, input: 7 }, 'Agent.InvalidInput'],
    [{ ...write, agent: 'nobody' }, 'Agent.Unknown'],
    [{ ...write, options: { model: 'nothing' } }, 'Model.Unknown'],
  ])('%j fails as %s without a call', async (request, type) => {
    const { worker, model } = await world([]);
    expect(await failureOf(worker.callModel(request))).toMatchObject({ type, nonRetryable: true });
    expect(model.requests).toHaveLength(0);
  });
});

describe('a budget', () => {
  const long = { ...write, input: 'The quick brown fox jumps over the lazy dog. '.repeat(900) };
  it.each([
    ['o200k_base' as const, undefined],
    [undefined, 'Budget.Exceeded'],
  ])('pays for the tokens of what is sent where %s counts them: %s', async (tokenizer, refused) => {
    const { worker, runId } = await world([text('Once.', usage)], { model: tokenizer && { tokenizer } });
    // 9,000 tokens or 40,000 bytes of input, and 4,096 tokens of output at $10 a million.
    const ctx = { budgets: [{ key: `run/${runId}`, usd: 0.07 }] };
    const ended = await worker.callModel({ ...long, ctx }, { runId }).result.catch((error: unknown) => error);
    expect((ended as { type?: string }).type).toBe(refused);
  });
});

describe('dependencies of the run', () => {
  const greeter = defineAgent({
    instructions: ({ deps, input }) => `Greet ${deps.user}, who said ${input}.`,
    input: z.string(),
    output: z.string(),
    deps: z.object({ user: z.string() }),
  });
  const greet = { agent: 'greeter', path: 'greeter#1/turn#1', input: 'hi' };
  const stored = async (deps: unknown, runId: string) => {
    const bytes = Buffer.from(JSON.stringify(deps));
    const scope = workflowIdOf(runId);
    return (await putBlob(ledger(), { tenant: 'default', scope, bytes, mediaType: 'application/json' })).sha256;
  };

  it('reach the instructions', async () => {
    const { worker, runId, model } = await world([text('Hello Ada.')], { agents: { greeter } });
    const ctx = { deps: await stored({ user: 'Ada' }, runId) };
    await worker.callModel({ ...greet, ctx }, { runId }).result;
    expect(model.requests[0]?.messages[0]?.content).toBe('Greet Ada, who said hi.');
  });

  it('that are missing or wrong fail the call before it is made', async () => {
    const { worker, runId, model } = await world([], { agents: { greeter } });
    expect(await failureOf(worker.callModel(greet, { runId }))).toMatchObject({ type: 'Deps.Missing' });
    const ctx = { deps: await stored({ user: 7 }, runId) };
    const invalid = await failureOf(worker.callModel({ ...greet, ctx }, { runId }));
    expect(invalid).toMatchObject({ type: 'Deps.Invalid', nonRetryable: true });
    expect(invalid.message).toContain('user');
    expect(model.requests).toHaveLength(0);
  });
});

describe('the transcript', () => {
  it('grows by what is new, and the next turn sends all of it, from a worker that never saw it', async () => {
    const { worker, another, runId, model } = await world([text('?'), text('Once.')]);
    const first = await worker.callModel(write, { runId }).result;
    expect(first.invalid).toBeDefined();
    const next = { agent: 'writer', path: 'writer#1/turn#2', head: first.head };
    const second = await another().callModel(next, { runId }).result;
    expect(second.output).toBe('Once.');
    expect(second).not.toHaveProperty('limits');
    expect(model.requests[1]?.messages).toHaveLength(4);
    expect(await loadTranscript(ledger(), { tenant: 'default', head: second.head })).toHaveLength(5);
  });
});

describe('the bill of a run', () => {
  it('is the sum over its steps and attempts, lost ones at their upper bound', async () => {
    const { worker, another, runId, model } = await world([hang(), text('Once.', usage), text('Twice.', usage)]);
    const owner = randomUUID();
    const registration = {
      instance: owner,
      identity: owner,
      hostId: 'h',
      pid: 1,
      processStartedAt: '1',
      taskQueue: 'q',
    };
    await registerWorker(ledger(), registration);
    const lost = aWorker({ ledger: ledger(), baseURL: model.url, agents, owner }).callModel(write, { runId });
    await vi.waitFor(() => expect(model.requests).toHaveLength(1));
    await markDead(ledger(), owner);
    await worker.callModel(write, { runId, attempt: 2 }).result;
    await another().callModel({ ...write, path: 'writer#2/turn#1' }, { runId }).result;
    const bill = await usageOfRun(ledger(), { scope: workflowIdOf(runId) });
    const upper = 4_096 * 10_000_000;
    expect(bill.outputTokens).toBe(4_096 + 14);
    expect(bill.costPicoUsd).toBeGreaterThan(BigInt(upper) + 2n * cost);
    lost.cancel();
    await lost.result.catch(() => undefined);
  });
});

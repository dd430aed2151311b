import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { finalAfter } from '../../../activities/finalAfter.js';
import { defineAgent } from '../../../core/defineAgent.js';
import { type ErrorType, SegnoError } from '../../../core/errors.js';
import { aWorker, apiKey, failureOf, stepOf, useLedger } from './activityWorker.js';
import { chunk, events, type RawProvider, rawProvider, status, usageChunk } from './rawProvider.js';

const ledger = useLedger();
const writer = defineAgent({ instructions: 'Write.', input: z.string(), output: z.string() });
const request = { agent: 'writer', path: 'writer#1/turn#1', input: 'Go.' };

let provider: RawProvider | undefined;
afterEach(() => provider?.close());

async function failureOn(answer: (response: ServerResponse) => void, model: { timeoutMs?: number } = {}) {
  provider = await rawProvider(answer);
  const runId = randomUUID();
  const worker = aWorker({ ledger: ledger(), baseURL: provider.baseURL, agents: { writer }, model });
  const failure = await failureOf(worker.callModel(request, { runId }));
  return { failure, step: await stepOf(ledger(), runId) };
}

const body = (code: string | null, message = 'Not today.', type = 'some_error') => ({
  error: { message, type, param: null, code },
});
const nothing = { inputTokens: 0, outputTokens: 0, costPicoUsd: 0n, estimated: false };

describe('a provider’s status is told as', () => {
  const cases: [status: number, type: ErrorType, retried: boolean][] = [
    [400, 'Model.BadRequest', false],
    [401, 'Model.Unauthorized', false],
    [402, 'Model.QuotaExceeded', false],
    [403, 'Model.Forbidden', false],
    [404, 'Model.NotFound', false],
    [408, 'Model.Timeout', true],
    [409, 'Model.Conflict', true],
    [413, 'Model.TooLarge', false],
    [418, 'Model.BadRequest', false],
    [422, 'Model.Unprocessable', false],
    [429, 'Model.RateLimited', true],
    [500, 'Model.ServerError', true],
    [502, 'Model.ServerError', true],
    [503, 'Model.ServerError', true],
    [529, 'Model.ServerError', true],
  ];
  it.each(cases)('%i: %s, tried again: %s, at no cost', async (code, type, retried) => {
    const { failure, step } = await failureOn(status(code, body(null)));
    expect(failure).toMatchObject({ type, nonRetryable: !retried });
    expect(failure.message).toContain('Not today.');
    expect(failure.nextRetryDelay).toBe(retried ? 500 : undefined);
    expect(step).toMatchObject({ state: 'failed', attempts: 1, error: { type, retryable: retried }, usage: nothing });
    expect(provider?.requests).toHaveLength(1);
  });

  it('one with an empty body or an HTML page in it, too', async () => {
    expect((await failureOn(status(500, ''))).failure.type).toBe('Model.ServerError');
    await provider?.close();
    const page = '<html><body>Bad gateway</body></html>';
    expect((await failureOn(status(502, page, { 'content-type': 'text/html' }))).failure.type).toBe(
      'Model.ServerError',
    );
  });
});

describe('a code in the error says more than the status:', () => {
  it.each<[status: number, code: string, type: ErrorType]>([
    [429, 'insufficient_quota', 'Model.QuotaExceeded'],
    [400, 'context_length_exceeded', 'Model.TooLarge'],
    [400, 'content_filter', 'Model.ContentFiltered'],
    [400, 'invalid_api_key', 'Model.Unauthorized'],
    [400, 'model_not_found', 'Model.NotFound'],
  ])('%i %s is %s', async (code, name, type) => {
    const { failure } = await failureOn(status(code, body(name)));
    expect(failure).toMatchObject({ type, nonRetryable: true });
  });

  it('as the error’s type where its code is empty or says nothing', async () => {
    const { failure } = await failureOn(status(429, body(null, 'Pay.', 'insufficient_quota')));
    expect(failure.type).toBe('Model.QuotaExceeded');
    await provider?.close();
    const second = await failureOn(status(429, body('e_1234', 'Pay.', 'insufficient_quota')));
    expect(second.failure.type).toBe('Model.QuotaExceeded');
  });
});

describe('the provider says when to try again,', () => {
  it('in seconds', async () => {
    const { failure } = await failureOn(status(429, body(null), { 'retry-after': '7' }));
    expect(failure.nextRetryDelay).toBe(7_000);
  });

  it('as an HTTP date', async () => {
    const inAMinute = new Date(Date.now() + 60_000).toUTCString();
    const { failure } = await failureOn(status(503, body(null), { 'retry-after': inAMinute }));
    expect(failure.nextRetryDelay).toBeGreaterThan(30_000);
    expect(failure.nextRetryDelay).toBeLessThanOrEqual(60_000);
  });

  it('in milliseconds, which beat the seconds', async () => {
    const headers = { 'retry-after-ms': '250', 'retry-after': '1' };
    const { failure } = await failureOn(status(429, body(null), headers));
    expect(failure.nextRetryDelay).toBe(250);
  });

  it('as a date that has passed: at once', async () => {
    const { failure } = await failureOn(status(429, body(null), { 'retry-after': new Date(0).toUTCString() }));
    expect(failure.nextRetryDelay).toBe(1);
  });

  it('for longer than an hour: an hour', async () => {
    const { failure } = await failureOn(status(429, body(null), { 'retry-after': '86400' }));
    expect(failure.nextRetryDelay).toBe(3_600_000);
  });

  it('in words nobody understands: as if it had said nothing', async () => {
    const { failure } = await failureOn(status(429, body(null), { 'retry-after': 'soon' }));
    expect(failure.nextRetryDelay).toBe(500);
  });
});

it('pauses grow with real attempts, up to half a minute; waits at the gate, which Temporal counts, do not lengthen them', async () => {
  provider = await rawProvider(status(500, body(null)));
  const runId = randomUUID();
  const worker = aWorker({ ledger: ledger(), baseURL: provider.baseURL, agents: { writer } });
  const pauses = [];
  for (let attempt = 11; attempt <= 18; attempt += 1)
    pauses.push((await failureOf(worker.callModel(request, { runId, attempt }))).nextRetryDelay);
  expect(pauses).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
});

it('a round through the models that stand in for each other counts once', () => {
  const pause = (attempts: number) =>
    finalAfter(new SegnoError('Model.ServerError', 'no'), attempts, undefined, 3).retryAfterMs;
  expect([3, 6, 9].map(pause)).toEqual([500, 1_000, 2_000]);
});

describe('a connection', () => {
  it('that is refused is Model.Unreachable, and nothing was spent', async () => {
    const closed = await rawProvider(() => undefined);
    await closed.close();
    const runId = randomUUID();
    const worker = aWorker({ ledger: ledger(), baseURL: closed.baseURL, agents: { writer } });
    expect(await failureOf(worker.callModel(request, { runId }))).toMatchObject({
      type: 'Model.Unreachable',
      nonRetryable: false,
      message: expect.stringContaining('ECONNREFUSED') as string,
    });
    expect((await stepOf(ledger(), runId)).usage).toMatchObject(nothing);
  });

  it('to a name that does not resolve is Model.Unreachable, and nothing was spent', async () => {
    const runId = randomUUID();
    const worker = aWorker({ ledger: ledger(), baseURL: 'http://nowhere.invalid/v1', agents: { writer } });
    expect(await failureOf(worker.callModel(request, { runId }))).toMatchObject({ type: 'Model.Unreachable' });
    expect((await stepOf(ledger(), runId)).usage).toMatchObject(nothing);
  });

  it('that is cut before the answer is Model.Unreachable, and counts as spent', async () => {
    const { failure, step } = await failureOn((response) => response.socket?.resetAndDestroy());
    expect(failure).toMatchObject({ type: 'Model.Unreachable', nonRetryable: false });
    expect(step.usage).toMatchObject({ estimated: true, outputTokens: 4_096 });
  });

  it('on which nothing comes within the model’s time limit is Model.Timeout, and counts as spent', async () => {
    const { failure, step } = await failureOn(() => undefined, { timeoutMs: 60 });
    expect(failure).toMatchObject({ type: 'Model.Timeout', nonRetryable: false });
    expect(failure.message).toContain('60 ms');
    expect(step.usage).toMatchObject({ estimated: true, outputTokens: 4_096 });
  });

  it('on which the stream stalls is Model.Timeout', async () => {
    const stall = (response: ServerResponse) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`data: ${JSON.stringify(chunk({ content: 'Once' }))}\n\n`);
    };
    const { failure } = await failureOn(stall, { timeoutMs: 60 });
    expect(failure).toMatchObject({ type: 'Model.Timeout', nonRetryable: false });
  });
});

describe('a stream', () => {
  it('that is cut in the middle is Model.StreamBroken, and counts as spent', async () => {
    const { failure, step } = await failureOn(events([chunk({ content: 'Once upon' })], { cut: true }));
    expect(failure).toMatchObject({ type: 'Model.StreamBroken', nonRetryable: false });
    expect(step.usage).toMatchObject({ estimated: true, outputTokens: 4_096 });
  });

  it('that ends without a finish reason is Model.StreamBroken', async () => {
    const { failure } = await failureOn(events([chunk({ content: 'Once upon' })]));
    expect(failure).toMatchObject({ type: 'Model.StreamBroken', nonRetryable: false });
  });

  it('that is empty is Model.StreamBroken', async () => {
    const { failure } = await failureOn(events([]));
    expect(failure).toMatchObject({ type: 'Model.StreamBroken', nonRetryable: false });
  });

  it('that broke after it had told its usage is recorded with that usage', async () => {
    const usage = { prompt_tokens: 11, completion_tokens: 3, total_tokens: 14 };
    const { failure, step } = await failureOn(
      events([chunk({ content: 'Once' }, { finish: 'stop' }), usageChunk(usage)], { cut: true }),
    );
    expect(failure.type).toBe('Model.StreamBroken');
    expect(step.usage).toMatchObject({ inputTokens: 11, outputTokens: 3, costPicoUsd: 41_000_000n, estimated: false });
  });

  it('that broke while it told its usage so far counts at its upper bound', async () => {
    const soFar = { prompt_tokens: 11, completion_tokens: 1, total_tokens: 12 };
    const { failure, step } = await failureOn(events([chunk({ content: 'Once' }), usageChunk(soFar)], { cut: true }));
    expect(failure.type).toBe('Model.StreamBroken');
    expect(step.usage).toMatchObject({ estimated: true, outputTokens: 4_096 });
  });

  it('with a frame that is no JSON is Model.BadResponse', async () => {
    const { failure } = await failureOn(events([chunk({ content: 'Once' }), '{"choices": [']));
    expect(failure).toMatchObject({ type: 'Model.BadResponse', nonRetryable: false });
  });

  it.each([3e8, -1, 1.5])('with a tool call numbered %d is Model.BadResponse, at once', async (index) => {
    const part = { index, id: 'a', type: 'function', function: { name: 'x', arguments: '{}' } };
    const { failure } = await failureOn(events([chunk({ tool_calls: [part] }), chunk({}, { finish: 'tool_calls' })]));
    expect(failure).toMatchObject({
      type: 'Model.BadResponse',
      message: expect.stringContaining(`${index}`) as string,
    });
  });

  it('that does not end is Model.BadResponse before it fills the worker', async () => {
    const frame = chunk({ content: 'x'.repeat(1_000_000) });
    const { failure } = await failureOn(events(Array.from({ length: 17 }, () => frame)));
    expect(failure).toMatchObject({
      type: 'Model.BadResponse',
      message: expect.stringContaining('16000000') as string,
    });
  });

  it.each<[error: object, type: ErrorType]>([
    [{ message: 'Overloaded.', type: 'server_error', code: null }, 'Model.ServerError'],
    [{ message: 'Slow down.', type: 'requests', code: 'rate_limit_exceeded' }, 'Model.RateLimited'],
    [{ message: 'Slow down.', code: 429 }, 'Model.RateLimited'],
    [{ message: 'Too long.', code: 'context_length_exceeded' }, 'Model.TooLarge'],
    [{ message: 'Something.' }, 'Model.ServerError'],
  ])('with the error event %j is %s', async (error, type) => {
    const { failure } = await failureOn(events([chunk({ content: 'Once' }), { error }]));
    expect(failure.type).toBe(type);
    expect(failure.message).toContain((error as { message: string }).message);
  });
});

describe('an answer of status 200 that is no stream is Model.BadResponse:', () => {
  it('an HTML page', async () => {
    const { failure } = await failureOn(status(200, '<html>Log in</html>', { 'content-type': 'text/html' }));
    expect(failure).toMatchObject({ type: 'Model.BadResponse', nonRetryable: false });
    expect(failure.message).toContain('text/html');
  });

  it('a JSON body', async () => {
    const { failure } = await failureOn(status(200, { choices: [] }));
    expect(failure).toMatchObject({ type: 'Model.BadResponse', nonRetryable: false });
  });
});

describe('the API key', () => {
  it('is in no message and not in the ledger, whatever the provider echoes', async () => {
    const echo = `Incorrect API key provided: ${apiKey}.`;
    const answers = [
      status(401, body('invalid_api_key', echo)),
      status(400, echo),
      events([{ error: { message: echo } }]),
      events([`{"no": "json, ${apiKey}`]),
    ];
    for (const answer of answers) {
      const { failure, step } = await failureOn(answer);
      await provider?.close();
      expect(JSON.stringify([failure.message, failure.details, failure.stack])).not.toContain(apiKey);
      expect(JSON.stringify(step.error)).not.toContain(apiKey);
    }
  });

  it('is not the only secret: the values of configured headers are in no message either', async () => {
    const { ModelClients } = await import('../../../activities/model/modelClients.js');
    const headers = { 'api-key': 'azure-0123456789' };
    const clients = new ModelClients(
      { models: { default: { provider: 'p', model: 'm' } }, providers: { p: { headers } } },
      {},
    );
    const { secrets } = clients.resolve('default');
    const { classifyModelError } = await import('../../../activities/model/classify.js');
    const told = classifyModelError(new SyntaxError('at azure-0123456789'), secrets);
    expect(told.message).toContain('[api key]');
    expect(told.message).not.toContain('azure-0123456789');
  });

  it('that is missing in the environment is Model.Unauthorized and names the variable', async () => {
    const { ModelClients } = await import('../../../activities/model/modelClients.js');
    const clients = new ModelClients(
      { models: { default: { provider: 'p', model: 'm' } }, providers: { p: { apiKeyEnv: 'NO_SUCH_KEY' } } },
      {},
    );
    expect(() => clients.resolve('default')).toThrow(/providers\.p.*NO_SUCH_KEY/);
  });
});

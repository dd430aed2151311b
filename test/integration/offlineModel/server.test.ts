import { connect } from 'node:net';
import OpenAI from 'openai';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { serveModel } from '../../../workers/offlineModel/serveModel.js';
import type { OfflineModel, OfflineModelOptions } from '../../../workers/offlineModel/serveModel.js';
import type { Answer } from '../../../workers/offlineModel/types.js';

const longText = 'A sentence of the answer. '.repeat(40);
const echo: Answer = ({ messages, seed }) => {
  const last = messages.at(-1)!.content;
  if (last === 'throw') throw new Error('no rule fits');
  if (last === 'seed') return { kind: 'text', text: String(seed) };
  return { kind: 'text', text: last === 'long' ? longText : last };
};

let model: OfflineModel;
async function start(options: OfflineModelOptions = {}): Promise<OpenAI> {
  model = await serveModel(echo, options);
  return new OpenAI({ baseURL: model.url, apiKey: options.apiKey ?? 'any', maxRetries: 0, timeout: 10_000 });
}
afterEach(() => model.close());

const asking = (content: string) => ({ model: 'segno-offline', messages: [{ role: 'user' as const, content }] });
const streaming = (content: string) => ({ ...asking(content), stream: true as const });
const withFault = (fault: string, more: Record<string, string> = {}) => ({
  headers: { 'x-segno-fault': fault, ...more },
});
const post = (body: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${model.url}/chat/completions`, { method: 'POST', body, headers });

/** The statistics once nothing is on its way: an answer counts when its last byte is out, just after the client has it. */
async function settledStats(): Promise<ReturnType<OfflineModel['stats']>> {
  await vi.waitFor(() => expect(model.stats().inFlight).toBe(0), { interval: 5, timeout: 5_000 });
  return model.stats();
}

describe('around the completions', () => {
  it('lists its models and knows no others', async () => {
    const client = await start();
    const ids: string[] = [];
    for await (const { id } of client.models.list()) ids.push(id);
    expect(ids).toEqual(['segno-offline', 'segno-offline-small']);
    expect((await client.models.retrieve('segno-offline')).id).toBe('segno-offline');
    await expect(client.models.retrieve('other')).rejects.toMatchObject({ status: 404, code: 'model_not_found' });
    await expect(client.chat.completions.create({ ...asking('x'), model: 'other' })).rejects.toMatchObject({
      status: 404,
      code: 'model_not_found',
      param: 'model',
    });
  });

  it('answers unknown paths and methods with a 404 in the same shape', async () => {
    await start();
    for (const [path, method] of [
      ['/embeddings', 'POST'],
      ['/chat/completions', 'GET'],
    ]) {
      const response = await fetch(model.url + path, { method: method! });
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({ error: { code: 'unknown_url', type: 'invalid_request_error' } });
    }
  });

  it('gives every response a request id of its own', async () => {
    const client = await start();
    const first = await client.chat.completions.create(asking('x')).withResponse();
    const second = await fetch(`${model.url}/nowhere`);
    expect(first.request_id).toMatch(/^req_[0-9a-f]{32}$/);
    expect(second.headers.get('x-request-id')).toMatch(/^req_[0-9a-f]{32}$/);
    expect(second.headers.get('x-request-id')).not.toBe(first.request_id);
  });

  it('listens on 127.0.0.1 only, and on the port it was given', async () => {
    await start();
    expect(model.url).toBe(`http://127.0.0.1:${model.port}/v1`);
    await expect(serveModel(echo, { port: model.port })).rejects.toMatchObject({
      type: 'Config.Invalid',
      message: expect.stringContaining('is in use') as string,
    });
  });

  it('with a key lets nobody else in but the health check, and never repeats a key', async () => {
    const client = await start({ apiKey: 'sk-right' });
    expect((await client.chat.completions.create(asking('Hello'))).choices[0]!.message.content).toBe('Hello');
    const wrong = new OpenAI({ baseURL: model.url, apiKey: 'sk-wrong', maxRetries: 0 });
    const failure = await wrong.chat.completions.create(asking('Hello')).catch((error: unknown) => error);
    expect(failure).toMatchObject({ status: 401, code: 'invalid_api_key' });
    expect(String(failure)).not.toMatch(/sk-/);
    const origin = new URL(model.url).origin;
    expect((await fetch(`${origin}/stats`)).status).toBe(401);
    expect((await fetch(`${origin}/healthz`)).status).toBe(200);
  });
});

describe('a bad request', () => {
  it('gets a 400 that names the place', async () => {
    await start();
    const response = await post('{"model":"segno-offline","messages":[{"role":"user"}]}');
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { param: 'messages[0].content', message: /content/ } });
  });

  it('over the body limit gets a 413, though the client is still sending', async () => {
    await start({ maxBodyBytes: 1_000_000 });
    const body = JSON.stringify(asking('x'.repeat(4_000_000)));
    const response = await post(body);
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ error: { code: 'request_too_large' } });
    expect((await post(JSON.stringify(asking('x'.repeat(999_000))))).status).toBe(200);
  });

  it('over the context gets the 400 that clients know', async () => {
    const client = await start({ contextTokens: 100 });
    await expect(client.chat.completions.create(asking('x'.repeat(1_000)))).rejects.toMatchObject({
      status: 400,
      code: 'context_length_exceeded',
    });
  });

  it('that no rule can answer is a 500 with the reason', async () => {
    const client = await start();
    await expect(client.chat.completions.create(asking('throw'))).rejects.toMatchObject({
      status: 500,
      message: expect.stringContaining('no rule fits') as string,
    });
  });
});

describe('faults on demand', () => {
  it.each([
    ['429', 429],
    ['500', 500],
    ['503', 503],
    ['quota', 429],
    ['{"kind":"401"}', 401],
  ])('%s answers with status %i', async (fault, status) => {
    const client = await start();
    await expect(client.chat.completions.create(streaming('x'), withFault(fault))).rejects.toMatchObject({ status });
  });

  it('429 says when to come back, and the official client does', async () => {
    const client = await start({ faults: '{"kind":"429","retryAfterSeconds":0.05}' });
    const failure: unknown = await client.chat.completions.create(asking('x')).catch((error: unknown) => error);
    expect((failure as InstanceType<typeof OpenAI.RateLimitError>).headers.get('retry-after-ms')).toBe('50');
    await model.close();
    const patient = await start({ faults: '429:1,limit=2,retryAfterSeconds=0.05' });
    const completion = await patient.chat.completions.create(asking('Hello'), { maxRetries: 2 });
    expect(completion.choices[0]!.message.content).toBe('Hello');
    expect(await settledStats()).toMatchObject({ requests: 3, byStatus: { 429: 2, 200: 1 }, faults: { 429: 2 } });
  });

  it.each([true, false])(
    'stall sends headers and nothing more, until the client gives up (stream: %s)',
    async (stream) => {
      await start();
      const giveUp = new AbortController();
      const body = JSON.stringify({ ...asking('x'), stream });
      const response = await fetch(`${model.url}/chat/completions`, {
        method: 'POST',
        body,
        headers: { 'x-segno-fault': 'stall' },
        signal: giveUp.signal,
      });
      expect(response.status).toBe(200);
      const reading = response.text();
      giveUp.abort();
      await expect(reading).rejects.toThrow(/abort/);
      expect(await settledStats()).toMatchObject({ clientGone: 1, completed: 0, completionTokens: 0 });
    },
  );

  it('stall without headers lets the client time out', async () => {
    const client = await start();
    const silent = withFault('{"kind":"stall","headers":false}');
    await expect(client.chat.completions.create(asking('x'), { ...silent, timeout: 100 })).rejects.toBeInstanceOf(
      OpenAI.APIConnectionTimeoutError,
    );
    expect(await settledStats()).toMatchObject({ clientGone: 1, byStatus: {} });
  });

  it('reset breaks the connection before a byte', async () => {
    const client = await start();
    await expect(client.chat.completions.create(asking('x'), withFault('reset'))).rejects.toBeInstanceOf(
      OpenAI.APIConnectionError,
    );
    expect(await settledStats()).toMatchObject({ broken: 1, byStatus: {} });
  });

  it.each([
    ['cut', /terminated|closed|socket|ECONNRESET/i],
    ['malformed', /JSON/],
  ])('%s breaks a stream in the middle', async (fault, message) => {
    const client = await start();
    const stream = await client.chat.completions.create(streaming('long'), withFault(fault));
    let seen = '';
    const reading = async (): Promise<void> => {
      for await (const chunk of stream) seen += chunk.choices[0]?.delta.content ?? '';
    };
    await expect(reading()).rejects.toThrow(message);
    expect(longText.startsWith(seen)).toBe(true);
    expect(seen.length).toBeLessThan(longText.length);
  });

  it('cut quietly ends a stream without a finish reason', async () => {
    const client = await start();
    const stream = await client.chat.completions.create(
      streaming('long'),
      withFault('{"kind":"cut","how":"end","afterFrames":3}'),
    );
    const reasons: unknown[] = [];
    for await (const chunk of stream) reasons.push(chunk.choices[0]?.finish_reason);
    expect(reasons).toEqual([null, null, null]);
    expect(await settledStats()).toMatchObject({ broken: 1, completed: 0, completionTokens: 0 });
  });

  it.each(['cut', 'malformed'])('%s breaks a body', async (fault) => {
    const client = await start();
    await expect(client.chat.completions.create(asking('long'), withFault(fault))).rejects.toThrow();
  });

  it('slow takes its time', async () => {
    const client = await start();
    const startedAt = performance.now();
    const stream = await client.chat.completions.create(streaming('x'), withFault('{"kind":"slow","delayMs":40}'));
    let frames = 0;
    for await (const _ of stream) frames += 1;
    expect(frames).toBe(3);
    // Three waits between four frames; timers may fire a millisecond early.
    expect(performance.now() - startedAt).toBeGreaterThan(3 * 39);
  });

  it('refusal, length and content_filter say so', async () => {
    const client = await start();
    const choiceOf = async (fault: string) =>
      (await client.chat.completions.create(asking('long'), withFault(fault))).choices[0]!;
    expect((await choiceOf('refusal')).message).toMatchObject({ content: null, refusal: /can't help/ });
    expect((await choiceOf('length')).finish_reason).toBe('length');
    expect((await choiceOf('content_filter')).finish_reason).toBe('content_filter');
  });

  it('an unknown one is a 400 that lists what there is; in the options it stops the start', async () => {
    const client = await start();
    await expect(client.chat.completions.create(asking('x'), withFault('flood'))).rejects.toMatchObject({
      status: 400,
      code: 'invalid_fault',
      param: 'x-segno-fault',
      message: expect.stringContaining('the kinds are') as string,
    });
    await expect(serveModel(echo, { faults: 'flood' })).rejects.toMatchObject({ type: 'Config.Invalid' });
  });

  it('come in the same order for the same seed', async () => {
    const statuses = async (seed: number): Promise<number[]> => {
      await start({ faults: '500:0.3,429:0.3', seed });
      const seen: number[] = [];
      for (let i = 0; i < 20; i++) seen.push((await post(JSON.stringify(asking('x')))).status);
      await model.close();
      return seen;
    };
    const first = await statuses(5);
    expect(new Set(first)).toEqual(new Set([200, 429, 500]));
    expect(await statuses(5)).toEqual(first);
    expect(await statuses(6)).not.toEqual(first);
  });
});

describe('the statistics', () => {
  it('agree with what the clients were told, under concurrency, by key', async () => {
    const client = await start();
    const keys = Array.from({ length: 40 }, (_, i) => `run/step#${i % 8}`);
    const told = await Promise.all(
      keys.map((key, i) =>
        client.chat.completions.create(asking(i % 2 ? 'long' : 'short'), {
          headers: i < 20 ? { 'x-request-key': key, 'x-client-request-id': 'other' } : { 'x-client-request-id': key },
        }),
      ),
    );
    const sum = (pick: (usage: OpenAI.CompletionUsage) => number): number =>
      told.reduce((total, { usage }) => total + pick(usage!), 0);
    const stats = await settledStats();
    expect(stats).toMatchObject({ requests: 40, completed: 40, failed: 0, byStatus: { 200: 40 } });
    expect(stats.promptTokens).toBe(sum((usage) => usage.prompt_tokens));
    expect(stats.completionTokens).toBe(sum((usage) => usage.completion_tokens));
    expect(Object.values(stats.byKey).map((counts) => counts.completed)).toEqual(Array.from({ length: 8 }, () => 5));
    expect(await (await fetch(`${new URL(model.url).origin}/stats`)).json()).toEqual(stats);
  });

  it('see a client that goes away in the middle of a stream, or of its request', async () => {
    await start({ tokensPerSecond: 20 });
    const giveUp = new AbortController();
    const response = await fetch(`${model.url}/chat/completions`, {
      method: 'POST',
      body: JSON.stringify(streaming('long')),
      signal: giveUp.signal,
    });
    await response.body!.getReader().read();
    giveUp.abort();
    expect(await settledStats()).toMatchObject({ clientGone: 1, completed: 0, completionTokens: 0 });

    const socket = connect(model.port, '127.0.0.1');
    socket.write('POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{"model"');
    await vi.waitFor(() => expect(model.stats().inFlight).toBe(1), { interval: 5 });
    socket.destroy();
    expect(await settledStats()).toMatchObject({ requests: 2, clientGone: 2 });
  });
});

describe('time', () => {
  it('is spent as a real model would: before the first byte, and by the token', async () => {
    const client = await start({ latencyMs: 60, tokensPerSecond: 1_000 });
    const startedAt = performance.now();
    const { usage } = await client.chat.completions.create(asking('long'));
    expect(usage!.completion_tokens).toBe(260);
    expect(performance.now() - startedAt).toBeGreaterThan(60 + 260 - 2);
  });

  it('does not keep a server from closing', async () => {
    const client = await start({ latencyMs: 600_000 });
    const waiting = client.chat.completions.create(asking('x'), { timeout: 600_000 }).catch((error: unknown) => error);
    const stalled = client.chat.completions.create(streaming('x'), withFault('stall')).catch((error: unknown) => error);
    await vi.waitFor(() => expect(model.stats().inFlight).toBe(2), { interval: 5 });
    await stalled;
    await model.close();
    expect(await waiting).toBeInstanceOf(OpenAI.APIConnectionError);
    expect(await settledStats()).toMatchObject({ broken: 2, clientGone: 0 });
  });
});

it('gives requests without a seed the server’s', async () => {
  const client = await start({ seed: 11 });
  const said = async (seed?: number) =>
    (await client.chat.completions.create({ ...asking('seed'), ...(seed === undefined ? {} : { seed }) })).choices[0]!
      .message.content;
  expect([await said(), await said(3)]).toEqual(['11', '3']);
});

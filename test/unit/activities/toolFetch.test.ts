/** A tool's `fetch` against a server that counts. */
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createToolFetch } from '../../../activities/toolCall/createToolFetch.js';
import { classifyToolError } from '../../../activities/toolCall/classifyToolError.js';
import type { SegnoError } from '../../../core/errors.js';

let server: Server;
let url: string;
let answer: { status: number; headers?: Record<string, string>; body?: string };
let seen: { method: string; headers: IncomingHttpHeaders }[];

beforeEach(async () => {
  seen = [];
  answer = { status: 200, body: '{"id":1}' };
  server = createServer((request, response) => {
    seen.push({ method: request.method!, headers: request.headers });
    if (answer.status === 0) return void request.socket.destroy();
    if (answer.status === 1) return;
    response.writeHead(answer.status, answer.headers).end(answer.body);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/charges?token=hush`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
});

const fetcher = (idempotencyKey = 'run/charge#1', signal = new AbortController().signal): typeof fetch =>
  createToolFetch({ idempotencyKey, signal });
const post = (call: typeof fetch, headers = {}): Promise<Response> =>
  call(url, { method: 'POST', body: '{}', headers });
const keys = (): unknown[] => seen.map(({ headers }) => headers['idempotency-key']);

async function failureOf(result: Promise<unknown>): Promise<SegnoError> {
  return result.then(
    () => Promise.reject(new Error('it was to fail')),
    (error: unknown) => error as SegnoError,
  );
}

describe('the idempotency key', () => {
  it('goes with what may change something, as a structured string, and with nothing else', async () => {
    const call = fetcher('run/"a\\b"/größe#1');
    expect(await (await post(call)).json()).toEqual({ id: 1 });
    await call(url);
    expect(keys()).toEqual(['"run/\\"a\\\\b\\"/gr%C3%B6%C3%9Fe#1"', undefined]);
  });

  it('tells the requests of one call apart, the same way in every attempt', async () => {
    for (let attempt = 1; attempt <= 2; attempt += 1) {
      const call = fetcher();
      await post(call);
      await call(url, { method: 'DELETE' });
    }
    expect(keys()).toEqual(['"run/charge#1"', '"run/charge#1#2"', '"run/charge#1"', '"run/charge#1#2"']);
  });

  it('stays what the tool says it is, and is short enough for everybody', async () => {
    await post(fetcher(), { 'Idempotency-Key': '"mine"' });
    await post(fetcher(`run/${'long'.repeat(100)}`));
    expect(keys()[0]).toBe('"mine"');
    expect(keys()[1]).toMatch(/^"[0-9a-f]{64}"$/);
  });
});

describe('an answer that is none', () => {
  it.each([
    [429, { 'retry-after': '7' }, 'Tool.RateLimited', true, 7_000],
    [503, { 'retry-after': '2' }, 'Tool.Unavailable', true, 2_000],
    [500, {}, 'Tool.Unavailable', true, undefined],
    [409, { 'retry-after': '1' }, 'Tool.Refused', true, 1_000],
    [409, {}, 'Tool.Refused', false, undefined],
    [422, {}, 'Tool.Refused', false, undefined],
  ])('%i is a failure of its type, sent once', async (status, headers, type, retryable, retryAfterMs) => {
    answer = { status, headers, body: 'too much' };
    const failure = await failureOf(post(fetcher()));
    expect({ type: failure.type, retryable: failure.retryable, retryAfterMs: failure.retryAfterMs }).toEqual({
      ...{ type, retryable, retryAfterMs },
    });
    expect(failure.message).toMatch(/^POST http:\/\/127.0.0.1:\d+\/charges answered \d+: too much$/);
    expect(failure.message).not.toContain('hush');
    expect(seen).toHaveLength(1);
  });

  it('a connection that breaks is a failure that is tried again', async () => {
    answer = { status: 0 };
    expect(await failureOf(post(fetcher()))).toMatchObject({ type: 'Tool.Unavailable', retryable: true });
    expect(seen).toHaveLength(1);
  });

  it('leaves unknown what a tool that may take effect only once has changed; not what it read, or was refused', async () => {
    const typeOf = async (status: number, method: string): Promise<string> => {
      answer = { status };
      return classifyToolError('charge', 'once', await failureOf(fetcher()(url, { method }))).type;
    };
    expect(await typeOf(502, 'POST')).toBe('Tool.OutcomeUnknown');
    expect(await typeOf(0, 'POST')).toBe('Tool.OutcomeUnknown');
    expect(await typeOf(502, 'GET')).toBe('Tool.Unavailable');
    expect(await typeOf(429, 'POST')).toBe('Tool.RateLimited');
    const failure = await failureOf(fetcher()(url));
    expect(classifyToolError('charge', 'once', failure).retryable).toBe(false);
    expect(classifyToolError('charge', 'idempotent', failure).retryable).toBe(true);
  });
});

describe('the signal', () => {
  it.each(['the step’s', 'the tool’s own'])('ends a request: %s', async (whose) => {
    answer = { status: 1 };
    const [step, own] = [new AbortController(), new AbortController()];
    const waiting = failureOf(fetcher('k', step.signal)(url, { method: 'POST', signal: own.signal }));
    await expect.poll(() => seen.length).toBe(1);
    (whose === 'the step’s' ? step : own).abort(new Error('stop'));
    expect((await waiting).message).toBe('stop');
  });
});

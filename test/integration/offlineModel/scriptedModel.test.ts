import { connect } from 'node:net';
import OpenAI from 'openai';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createChaos, error, hang, json, scriptedModel, streamOf, text, toolCalls } from '../../../testing/index.js';
import type { Script, ScriptedModel, ScriptedModelOptions } from '../../../testing/index.js';

let model: ScriptedModel;
afterEach(() => model.close());

async function start(
  script: Script,
  options?: ScriptedModelOptions,
): Promise<(content: string, agent?: string) => Promise<string | null>> {
  model = await scriptedModel(script, options);
  const client = new OpenAI({ baseURL: model.url, apiKey: options?.apiKey ?? 'any', maxRetries: 0, timeout: 10_000 });
  return async (content, agent) => {
    const completion = await client.chat.completions.create(
      { model: 'any model', messages: [{ role: 'user', content }] },
      { headers: agent === undefined ? {} : { 'x-segno-agent': agent } },
    );
    return completion.choices[0]!.message.content;
  };
}

describe('a script that is a list', () => {
  it('answers in order and is done when used up', async () => {
    const ask = await start([text('one'), json({ two: 2 })]);
    expect([await ask('a'), await ask('b')]).toEqual(['one', '{"two":2}']);
    expect(() => model.assertDone()).not.toThrow();
  });

  it('gives a call too many a 400, and assertDone says which', async () => {
    const ask = await start([text('one')]);
    await ask('first');
    await expect(ask('second')).rejects.toMatchObject({ status: 400, code: 'script_unexpected_call' });
    expect(() => model.assertDone()).toThrow(
      /Unexpected calls:\n {2}call 2: user says "second"; all 1 steps of the script were used\nWhat came:\n {2}call 1: user says "first"/,
    );
  });

  it('has steps nobody asked for, and assertDone lists them', async () => {
    const ask = await start([text('one'), toolCalls([{ name: 'look', arguments: {} }]), error(429)]);
    await ask('first');
    expect(() => model.assertDone()).toThrow(
      /Expected, but never asked for:\n {2}step 2: toolCalls look\n {2}step 3: error 429\nWhat came:\n {2}call 1/,
    );
  });

  it('may decide when the call is there', async () => {
    const ask = await start([(request) => text(`you said ${request.messages.at(-1)!.content}`)]);
    expect(await ask('hello')).toBe('you said hello');
  });

  it('answers a function that throws as a 500', async () => {
    const ask = await start([
      () => {
        throw new Error('a mistake in the test');
      },
    ]);
    await expect(ask('hello')).rejects.toMatchObject({ status: 500, message: /a mistake in the test/ });
  });
});

describe('a script by agent', () => {
  it('keeps concurrent agents apart', async () => {
    const ask = await start({ writer: [text('w1'), text('w2')], critic: [text('c1')] });
    const answers = await Promise.all([ask('x', 'critic'), ask('x', 'writer')]);
    expect([...answers, await ask('x', 'writer')]).toEqual(['c1', 'w1', 'w2']);
    expect(model.requests.map((request) => request.agent).sort()).toEqual(['critic', 'writer', 'writer']);
    model.assertDone();
  });

  it('refuses an agent it does not know, and a call that names none', async () => {
    const ask = await start({ writer: [text('w1')] });
    await expect(ask('x', 'editor')).rejects.toThrow(/by agent 'editor'.*knows the agents writer/);
    await expect(ask('x')).rejects.toThrow(/no header x-segno-agent/);
    expect(() => model.assertDone()).toThrow(/step 1 of agent 'writer': text "w1"/);
  });

  it('answers any number of calls where it is a bare function', async () => {
    const ask = await start({ writer: ({ ordinal }) => text(`answer ${ordinal}`) });
    expect([await ask('x', 'writer'), await ask('x', 'writer')]).toEqual(['answer 1', 'answer 2']);
    model.assertDone();
  });
});

describe('a script under failure injection', () => {
  it('leaves the step of a call that got no answer to the next one', async () => {
    const chaos = createChaos([{ at: 'provider', fault: '500', every: 2 }], { seed: 1 });
    const ask = await start([text('one'), text('two')], { chaos });
    expect(await ask('a')).toBe('one');
    await expect(ask('b')).rejects.toMatchObject({ status: 500 });
    expect(await ask('b again')).toBe('two');
    expect(chaos.strikes).toEqual([{ rule: 'provider-1', at: 'provider', fault: '500', of: 'any model', call: 2 }]);
    model.assertDone();
  });

  it('ends when it is stopped', async () => {
    const chaos = createChaos([{ at: 'provider', fault: 'reset' }]);
    const ask = await start([text('one')], { chaos });
    await expect(ask('a')).rejects.toThrow('Connection error');
    chaos.stop();
    expect(await ask('a')).toBe('one');
  });
});

describe('what went over the wire', () => {
  it('is recorded, without the key', async () => {
    const ask = await start([text('one')], { apiKey: 'sk-secret' });
    await ask('hello', 'writer');
    expect(model.requests).toHaveLength(1);
    expect(model.requests[0]).toMatchObject({
      ordinal: 1,
      agent: 'writer',
      model: 'any model',
      stream: false,
      messages: [{ role: 'user', content: 'hello' }],
      body: { messages: [{ role: 'user', content: 'hello' }] },
    });
    expect(JSON.stringify(model.requests)).not.toContain('sk-secret');
  });

  it('can be any error body and any header', async () => {
    await start([error(402, { detail: 'pay first' }, { 'x-why': 'bill' }), error(502, 'Bad gateway')]);
    const post = (): Promise<Response> =>
      fetch(`${model.url}/chat/completions`, {
        method: 'POST',
        body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'x' }] }),
      });
    const first = await post();
    expect([first.status, first.headers.get('x-why'), await first.json()]).toEqual([
      402,
      'bill',
      { detail: 'pay first' },
    ]);
    const second = await post();
    expect([second.status, await second.text()]).toEqual([502, 'Bad gateway']);
  });

  it('hangs until the client gives up', async () => {
    model = await scriptedModel([hang({ headers: false }), hang()]);
    const client = new OpenAI({ baseURL: model.url, apiKey: 'any', maxRetries: 0 });
    const asking = { model: 'm', messages: [{ role: 'user' as const, content: 'x' }] };
    for (let i = 0; i < 2; i++) {
      const giveUp = new AbortController();
      const call = client.chat.completions.create(asking, { signal: giveUp.signal }).catch((reason: unknown) => reason);
      await vi.waitFor(() => expect(model.stats().inFlight).toBe(1), { interval: 5 });
      giveUp.abort();
      expect(await call).toBeInstanceOf(Error);
      await vi.waitFor(() => expect(model.stats()).toMatchObject({ inFlight: 0, clientGone: i + 1 }), { interval: 5 });
    }
    model.assertDone();
  });

  it('cuts a stream after so many pieces, in the middle of the response', async () => {
    model = await scriptedModel([streamOf(['one', 'two', 'three'], { cutAfter: 2 })]);
    const body = JSON.stringify({ model: 'm', stream: true, messages: [{ role: 'user', content: 'x' }] });
    const socket = connect(Number(new URL(model.url).port), '127.0.0.1');
    socket.write(`POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    let received = '';
    for await (const chunk of socket) received += String(chunk);
    expect(received).toMatch(/"content":"one".*"content":"two"/s);
    expect(received).not.toMatch(/"three"|DONE|finish_reason":"/);
    // An HTTP response in chunks is over with an empty one.
    expect(received).not.toMatch(/\r\n0\r\n\r\n$/);
  });
});

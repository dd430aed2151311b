import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ModelRequest } from '../../workers/offlineModel/types.js';
import { countPromptTokens, countTokens } from '../../workers/offlineModel/wire/countTokens.js';
import { splitText, streamFrames } from '../../workers/offlineModel/wire/frames.js';
import { planMessage } from '../../workers/offlineModel/wire/planDelivery.js';
import { createPromptCache } from '../../workers/offlineModel/wire/promptCache.js';
import { readChatRequest } from '../../workers/offlineModel/wire/readChatRequest.js';
import type { ChatRequest } from '../../workers/offlineModel/wire/readChatRequest.js';
import type { MessageReply } from '../../workers/offlineModel/wire/reply.js';
import { countCompletionTokens, shapeMessage, takeTokens } from '../../workers/offlineModel/wire/shapeMessage.js';
import { StatsKeeper } from '../../workers/offlineModel/wire/stats.js';
import { isWireError } from '../../workers/offlineModel/wire/wireError.js';

const anyText = fc.string({ unit: 'binary', maxLength: 400 });
const usage = { promptTokens: 10, cachedTokens: 0, completionTokens: 5 };
const envelope = { id: 'chatcmpl-1', created: 1, model: 'offline' };

function chat(body: object = {}): ChatRequest {
  const request = readChatRequest(
    JSON.stringify({ model: 'offline', messages: [{ role: 'user', content: 'Hi' }], ...body }),
  );
  if (isWireError(request)) throw new Error(JSON.stringify(request.body));
  return request;
}

const say = (text: string, options: Partial<MessageReply> = {}): MessageReply => ({
  kind: 'message',
  utterance: { kind: 'text', text },
  ...options,
});

describe('counting', () => {
  it('takes four bytes a token, rounded up', () => {
    expect(['', 'a', 'four', 'five!', '₹₹'].map(countTokens)).toEqual([0, 1, 1, 2, 2]);
  });

  it('never counts a prompt over a quarter of its body', () => {
    const tool = fc.record({ name: fc.stringMatching(/^[a-z]{1,9}$/), description: anyText });
    fc.assert(
      fc.property(fc.array(anyText, { minLength: 1, maxLength: 20 }), fc.option(tool), (texts, offered) => {
        const body = JSON.stringify({
          model: 'offline',
          messages: texts.map((content) => ({ role: 'user', content })),
          ...(offered ? { tools: [{ type: 'function', function: offered }] } : {}),
        });
        const request = readChatRequest(body) as ChatRequest;
        expect(countPromptTokens(request.request)).toBeLessThanOrEqual(Math.ceil(Buffer.byteLength(body) / 4));
      }),
    );
  });
});

describe('cutting', () => {
  it('splits any text into pieces that make it again, 200 at most, with no character in halves', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 9_000 }), (text) => {
        const pieces = splitText(text);
        expect(pieces.join('')).toBe(text);
        expect(pieces.length).toBeLessThanOrEqual(200);
        expect(pieces.every((piece) => Buffer.from(piece).toString() === piece)).toBe(true);
      }),
    );
  });

  it('takes the longest start within the tokens', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.nat(30), (text, tokens) => {
        const taken = takeTokens(text, tokens);
        expect(text.startsWith(taken)).toBe(true);
        expect(countTokens(taken)).toBeLessThanOrEqual(tokens);
        const next = String.fromCodePoint(text.codePointAt(taken.length) ?? 0);
        if (taken !== text) expect(Buffer.byteLength(taken + next)).toBeGreaterThan(tokens * 4);
      }),
    );
  });

  it('keeps text, calls and all within max_tokens, and says length when something went', () => {
    const calls = fc.array(fc.record({ name: fc.stringMatching(/^[a-z]{1,20}$/), arguments: fc.jsonValue() }));
    fc.assert(
      fc.property(anyText, calls, fc.integer({ min: 1, max: 60 }), (text, wanted, maxTokens) => {
        const reply: MessageReply = { kind: 'message', utterance: { kind: 'toolCalls', calls: wanted, text } };
        const limited = shapeMessage(chat({ max_tokens: maxTokens }), reply);
        const whole = shapeMessage(chat(), reply);
        expect(countCompletionTokens(limited)).toBeLessThanOrEqual(maxTokens);
        const fits = countCompletionTokens(whole) <= maxTokens;
        expect(limited.finishReason).toBe(fits ? 'tool_calls' : 'length');
        if (fits) expect(limited).toEqual(whole);
      }),
    );
  });

  it('ends before the first stop sequence', () => {
    expect(shapeMessage(chat({ stop: ['END', 'two'] }), say('one two END'))).toMatchObject({
      text: 'one ',
      finishReason: 'stop',
    });
  });
});

describe('tool calls', () => {
  const reply: MessageReply = {
    kind: 'message',
    utterance: {
      kind: 'toolCalls',
      calls: [
        { name: 'a', arguments: {} },
        { name: 'b', arguments: {} },
      ],
    },
  };

  it('have the same ids for the same request, and others in another turn', () => {
    const ids = (body?: object): string[] => shapeMessage(chat(body), reply).calls.map((call) => call.id);
    expect(ids()).toEqual(ids());
    const other = ids({ messages: [{ role: 'user', content: 'Hi again' }] });
    expect(new Set([...ids(), ...other]).size).toBe(4);
  });

  it('come alone when parallel calls are off', () => {
    const { calls } = shapeMessage(chat({ parallel_tool_calls: false }), reply);
    expect(calls.map((call) => call.name)).toEqual(['a']);
  });
});

describe('a stream', () => {
  const frames = (includeUsage: boolean): string[] =>
    streamFrames(envelope, shapeMessage(chat(), say('Hello')), usage, { includeUsage });
  const parse = (frame: string): Record<string, unknown> =>
    JSON.parse(frame.slice('data: '.length)) as Record<string, unknown>;

  it('ends in a finish reason and [DONE], without usage unless asked', () => {
    const all = frames(false);
    expect(all.at(-1)).toBe('data: [DONE]\n\n');
    expect(parse(all.at(-2)!)).toMatchObject({ choices: [{ delta: {}, finish_reason: 'stop' }] });
    expect(all.some((frame) => frame.includes('usage'))).toBe(false);
  });

  it('carries usage in a last chunk without choices when asked', () => {
    const all = frames(true);
    expect(parse(all.at(-2)!)).toMatchObject({ choices: [], usage: { prompt_tokens: 10, total_tokens: 15 } });
    expect(parse(all[0]!)).toMatchObject({ usage: null });
  });

  it('uses the script’s pieces only while they are the text', () => {
    const pieces = (maxTokens?: number): number => {
      const call = { ...chat({ stream: true }), maxTokens };
      const reply = say('ab'.repeat(40), { textChunks: Array.from({ length: 40 }, () => 'ab') });
      return planMessage(call, reply, envelope, shapeMessage(call, reply), usage).frames.length;
    };
    expect(pieces()).toBe(40 + 3);
    expect(pieces(5)).toBe(1 + 3);
  });
});

describe('the prompt cache', () => {
  const request = (...texts: string[]): ModelRequest => ({
    messages: texts.map((content) => ({ role: 'user', content })),
    tools: [],
    toolChoice: 'none',
  });
  const long = 'x'.repeat(8_000);

  it('knows the longest start it has seen, in steps of 128 tokens', () => {
    const cached = createPromptCache();
    expect(cached(request(long, 'a'))).toBe(0);
    expect(cached(request(long, 'b'))).toBe(1_920);
    expect(cached(request('other', long))).toBe(0);
  });

  it('has nothing for prompts under 1,024 tokens', () => {
    const cached = createPromptCache();
    cached(request('short'));
    expect(cached(request('short'))).toBe(0);
  });

  it('forgets the least recently used beyond its capacity', () => {
    const cached = createPromptCache(2);
    cached(request(`1${long}`));
    cached(request(`2${long}`));
    cached(request(`1${long}`));
    cached(request(`3${long}`));
    expect(cached(request(`1${long}`))).toBeGreaterThan(0);
    expect(cached(request(`2${long}`))).toBe(0);
  });
});

describe('the statistics', () => {
  it('count a request once, in the total and under its key, whoever ends it', () => {
    const keeper = new StatsKeeper();
    const first = keeper.begin('run/step');
    keeper.begin(undefined);
    first.status(200);
    first.end('completed', usage);
    first.end('clientGone');
    expect(keeper.read()).toMatchObject({
      requests: 2,
      inFlight: 1,
      completed: 1,
      clientGone: 0,
      promptTokens: 10,
      completionTokens: 5,
      byStatus: { 200: 1 },
      byKey: { 'run/step': { requests: 1, completed: 1, inFlight: 0 } },
    });
  });

  it('count no tokens of an answer that did not arrive', () => {
    const keeper = new StatsKeeper();
    keeper.begin(undefined).end('clientGone', usage);
    expect(keeper.read()).toMatchObject({ clientGone: 1, promptTokens: 0, completionTokens: 0 });
  });

  it('keep the newest 10,000 keys', () => {
    const keeper = new StatsKeeper();
    for (let i = 0; i <= 10_000; i++) keeper.begin(`key ${i}`).end('completed', usage);
    const { byKey, droppedKeys, requests } = keeper.read();
    expect([Object.keys(byKey).length, droppedKeys, requests]).toEqual([10_000, 1, 10_001]);
    expect(byKey['key 0']).toBeUndefined();
  });
});

import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { drawUniform } from '../../core/chaos/drawUniform.js';
import { faultKinds, faultSchema } from '../../core/chaos/fault.js';
import { applyFault } from '../../workers/offlineModel/faults/applyFault.js';
import { drawFault } from '../../workers/offlineModel/faults/drawFault.js';
import { parseFaults } from '../../workers/offlineModel/faults/parseFaults.js';
import { spoilValue } from '../../workers/offlineModel/faults/spoilOutput.js';
import type { JsonSchema } from '../../workers/offlineModel/types.js';
import { planMessage } from '../../workers/offlineModel/wire/planDelivery.js';
import type { Delivery } from '../../workers/offlineModel/wire/planDelivery.js';
import { readChatRequest } from '../../workers/offlineModel/wire/readChatRequest.js';
import type { ChatRequest } from '../../workers/offlineModel/wire/readChatRequest.js';
import type { MessageReply } from '../../workers/offlineModel/wire/reply.js';
import { shapeMessage } from '../../workers/offlineModel/wire/shapeMessage.js';

const draws = (spec: string, seed: number, count: number) =>
  Array.from({ length: count }, (_, i) => drawFault(parseFaults(spec), seed, i + 1)?.kind);

describe('a fault spec', () => {
  it('has weighted kinds and settings', () => {
    expect(parseFaults('429:0.1, cut:0.05,slow:0.2,seed=7,limit=3,retryAfterSeconds=2,delayMs=50')).toEqual({
      faults: [
        { fault: { kind: '429', retryAfterSeconds: 2 }, weight: 0.1 },
        { fault: { kind: 'cut' }, weight: 0.05 },
        { fault: { kind: 'slow', delayMs: 50 }, weight: 0.2 },
      ],
      seed: 7,
      limit: 3,
    });
  });

  it('is one fault for certain, as JSON or as a bare kind', () => {
    const exact = { faults: [{ fault: { kind: '429', retryAfterSeconds: 1 }, weight: 1 }] };
    expect(parseFaults('{"kind":"429","retryAfterSeconds":1}')).toMatchObject(exact);
    expect(parseFaults('stall')).toMatchObject({ faults: [{ fault: { kind: 'stall' }, weight: 1 }] });
    expect(parseFaults(' ').faults).toEqual([]);
  });

  it.each([...faultKinds])('knows the kind %s', (kind) => {
    expect(faultSchema.parse({ kind })).toEqual({ kind });
    expect(draws(`${kind}:1`, 0, 1)).toEqual([kind]);
  });

  it.each<[string, RegExp]>([
    ['429:0.1,flood:0.2', /no fault 'flood'; the kinds are 400, .*429.*wrong-usage/],
    ['{"kind":"flood"}', /no fault 'flood'/],
    ['{"kind":"stall","retryAfterSeconds":1}', /retryAfterSeconds/],
    ['{"kind":', /starts as JSON/],
    ['cut:2', /'cut:2' is not kind:weight/],
    ['cut:', /'cut:' is not kind:weight/],
    ['cut:0.1:2', /not kind:weight/],
    ['cut:0.6,stall:0.6', /sum to 1.2/],
    ['cut:0.1,sed=7', /no setting 'sed'; the settings are seed, limit/],
    ['cut:0.1,seed=', /'seed' has no value/],
    ['cut:0.1,seed=abc', /seed/],
    ['429:0.1,retryAfterSeconds=-1', /retryAfterSeconds/],
  ])('that is wrong is refused: %s', (spec, message) => {
    expect(() => parseFaults(spec)).toThrow(expect.objectContaining({ type: 'Config.Invalid' }) as Error);
    expect(() => parseFaults(spec)).toThrow(message);
  });
});

describe('the draw', () => {
  it('is the same for the same seed, and another for another', () => {
    const spec = '429:0.3,cut:0.3';
    expect(draws(spec, 7, 50)).toEqual(draws(spec, 7, 50));
    expect(draws(spec, 7, 50)).not.toEqual(draws(spec, 8, 50));
    expect(draws(`${spec},seed=7`, 8, 50)).toEqual(draws(spec, 7, 50));
  });

  it('comes as often as its weight says', () => {
    const drawn = draws('429:0.1,cut:0.05', 3, 20_000);
    const share = (kind: string | undefined): number => drawn.filter((one) => one === kind).length / drawn.length;
    expect(share('429')).toBeCloseTo(0.1, 1.8);
    expect(share('cut')).toBeCloseTo(0.05, 1.8);
    expect(share(undefined)).toBeCloseTo(0.85, 1.8);
  });

  it('lies in [0, 1)', () => {
    fc.assert(
      fc.property(fc.integer(), fc.nat(), (seed, ordinal) => {
        const chance = drawUniform(seed, ordinal);
        expect(chance >= 0 && chance < 1).toBe(true);
      }),
    );
  });
});

describe('an answer under a fault', () => {
  const schema = {
    type: 'object',
    properties: { name: { type: 'string' }, count: { type: 'integer' } },
    required: ['name', 'count'],
    additionalProperties: false,
  };
  const answer = JSON.stringify({ name: 'a name that is long enough for a few frames of a stream', count: 3 });
  const reply: MessageReply = { kind: 'message', utterance: { kind: 'text', text: answer } };

  function plan(fault: string, stream: boolean): Delivery {
    const body = {
      model: 'offline',
      messages: [{ role: 'user', content: 'Hi' }],
      response_format: { type: 'json_schema', json_schema: { name: 'x', schema, strict: true } },
      stream,
      ...(stream && { stream_options: { include_usage: true } }),
    };
    const call = readChatRequest(JSON.stringify(body)) as ChatRequest;
    const spoilt = applyFault(reply, faultSchema.parse(JSON.parse(fault)), call.request);
    if (spoilt.kind !== 'message') throw new Error(`it became ${spoilt.kind}`);
    const usage = { promptTokens: 1, cachedTokens: 0, completionTokens: 2 };
    const envelope = { id: 'chatcmpl-1', created: 1, model: 'offline' };
    return planMessage(call, spoilt, envelope, shapeMessage(call, spoilt), usage);
  }

  const isJson = (text: string): boolean => {
    try {
      JSON.parse(text);
      return true;
    } catch {
      return false;
    }
  };
  const contentOf = (delivery: Delivery): { content: string | null; refusal: string | null; finish: string } => {
    const body = JSON.parse(delivery.frames.join('')) as {
      choices: [{ message: { content: string | null; refusal: string | null }; finish_reason: string }];
    };
    const [{ message, finish_reason: finish }] = body.choices;
    return { ...message, finish };
  };
  const badFrames = (delivery: Delivery): number =>
    delivery.frames.filter((frame) => !frame.includes('[DONE]') && !isJson(frame.replace('data: ', ''))).length;

  it('malformed has one frame that is no JSON, or a body that is none', () => {
    expect(badFrames(plan('{"kind":"malformed"}', true))).toBe(1);
    expect(badFrames(plan('{"kind":"malformed"}', false))).toBe(1);
    expect(badFrames(plan('{"kind":"slow"}', true))).toBe(0);
  });

  it('malformed-content has whole frames and half an answer', () => {
    expect(badFrames(plan('{"kind":"malformed-content"}', true))).toBe(0);
    const { content, finish } = contentOf(plan('{"kind":"malformed-content"}', false));
    expect(isJson(content!)).toBe(false);
    expect(finish).toBe('stop');
  });

  it('cut ends after so many frames, by reset or quietly, and is not complete', () => {
    const cut = plan('{"kind":"cut","afterFrames":2}', true);
    expect(cut).toMatchObject({ ending: 'destroy', complete: false });
    expect(cut.frames).toHaveLength(2);
    const quiet = plan('{"kind":"cut","how":"end"}', true);
    expect(quiet).toMatchObject({ ending: 'end', complete: false });
    expect(quiet.frames.join('')).not.toContain('[DONE]');
    expect(isJson(plan('{"kind":"cut"}', false).frames.join(''))).toBe(false);
  });

  it('slow trickles a stream, and a body in pieces', () => {
    expect(plan('{"kind":"slow","delayMs":30}', true)).toMatchObject({ frameDelayMs: 30, complete: true });
    expect(plan('{"kind":"slow"}', false).frames).toHaveLength(10);
  });

  it.each([
    ['length', 'length'],
    ['content_filter', 'content_filter'],
  ])('%s says half of it and why', (kind, finish) => {
    const seen = contentOf(plan(`{"kind":"${kind}"}`, false));
    expect(seen.finish).toBe(finish);
    expect(answer.startsWith(seen.content!)).toBe(true);
    expect(seen.content!.length).toBeLessThan(answer.length);
  });

  it('refusal has no content', () => {
    expect(contentOf(plan('{"kind":"refusal"}', false))).toMatchObject({
      content: null,
      refusal: expect.stringContaining("can't") as string,
      finish: 'stop',
    });
  });

  it('invalid-output is JSON that does not match the schema', () => {
    const { content } = contentOf(plan('{"kind":"invalid-output"}', false));
    expect(new Ajv2020().validate(schema, JSON.parse(content!))).toBe(false);
  });

  it.each([
    ['more', { prompt_tokens: 10, completion_tokens: 20 }],
    ['less', { prompt_tokens: 0, completion_tokens: 0 }],
    ['nothing', undefined],
  ])('wrong-usage is a whole answer that tells %s', (says, told) => {
    const spoilt = plan(`{"kind":"wrong-usage","says":"${says}"}`, false);
    expect(contentOf(spoilt).content).toBe(answer);
    const { usage } = JSON.parse(spoilt.frames.join('')) as { usage?: object };
    if (told) expect(usage).toMatchObject(told);
    else expect(usage).toBeUndefined();
    const streamed = plan(`{"kind":"wrong-usage","says":"${says}"}`, true);
    expect(streamed.frames.at(-1)).toContain('[DONE]');
    expect(streamed.frames.some((frame) => frame.includes('"prompt_tokens":'))).toBe(told !== undefined);
  });

  it('an error carries Retry-After in whole seconds, and in milliseconds when it must', () => {
    const headersOf = (fault: object): unknown => {
      const spoilt = applyFault(reply, faultSchema.parse(fault), { messages: [], tools: [], toolChoice: 'none' });
      return spoilt.kind === 'error' ? spoilt.error.headers : spoilt.kind;
    };
    expect(headersOf({ kind: '429' })).toEqual({ 'retry-after': '1' });
    expect(headersOf({ kind: '429', retryAfterSeconds: 0.25 })).toEqual({
      'retry-after': '1',
      'retry-after-ms': '250',
    });
    expect(headersOf({ kind: '503' })).toEqual({});
    expect(headersOf({ kind: '503', retryAfterSeconds: 3 })).toEqual({ 'retry-after': '3' });
  });
});

describe('spoilt output', () => {
  it.each<[unknown, JsonSchema]>([
    [{ a: 'x' }, { type: 'object', properties: { a: { type: ['string', 'null'] } }, required: ['a'] }],
    [
      { a: 1 },
      { type: 'object', properties: { a: { anyOf: [{ type: 'integer' }, { type: 'null' }] } }, required: ['a'] },
    ],
    [{ a: {} }, { type: 'object', properties: { a: { type: 'object' } }, required: ['a'] }],
    [{ a: 'x' }, { type: 'object', properties: { a: { enum: ['x'] } }, required: ['a'] }],
    [{ a: 'x' }, { type: 'object', properties: { a: {} }, required: ['a'] }],
    [{}, { type: 'object' }],
    [[1], { type: 'array' }],
    ['x', { type: 'string' }],
    ['no JSON object', { type: 'object', properties: { a: {} }, required: ['a'] }],
  ])('of %j never matches %j', (value, schema) => {
    const validate = new Ajv2020({ strict: false }).compile(schema as object);
    expect(validate(spoilValue(value, schema))).toBe(false);
  });
});

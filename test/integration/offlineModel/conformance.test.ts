import { afterEach, describe, expect, it } from 'vitest';
import { error, json, refusal, scriptedModel, streamOf, text, toolCalls } from '../../../testing/index.js';
import type { ScriptedModel, ScriptEntry } from '../../../testing/index.js';
import { aiSdkClient, openaiClient } from './clients.js';
import type { WireClient } from './clients.js';

const city = {
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
  additionalProperties: false,
};
const weatherTools = { weather: city, population: city };
const longText = 'Umsätze stiegen 📈 um 22 % auf ₹5,200 crore. '.repeat(40).trim();

let model: ScriptedModel | undefined;
afterEach(async () => {
  await model?.close();
  model = undefined;
});

describe.each([
  ['openai', openaiClient],
  ['ai-sdk', aiSdkClient],
])('the %s client', (_, connect) => {
  async function script(...steps: ScriptEntry[]): Promise<WireClient> {
    model = await scriptedModel(steps);
    return connect(model.url);
  }

  it('reads a text, why it ended and what it used', async () => {
    const client = await script(text('Hello.', { usage: { promptTokens: 2_000, cachedTokens: 1_024 } }));
    const seen = await client.ask({ prompt: 'Say hello.' });
    expect(seen).toMatchObject({ text: 'Hello.', finishReason: 'stop' });
    expect(seen.usage).toEqual({ prompt: 2_000, completion: 2, total: 2_002, cached: 1_024 });
  });

  it('reads a stream in pieces that make the whole text, with usage at its end', async () => {
    const client = await script(text(longText));
    const seen = await client.ask({ prompt: 'Go on.', stream: true });
    expect(seen.pieces.length).toBeGreaterThan(10);
    expect(seen.pieces.join('')).toBe(longText);
    expect(seen).toMatchObject({ text: longText, finishReason: 'stop' });
    expect(seen.usage.completion).toBe(Math.ceil(Buffer.byteLength(longText) / 4));
    expect(seen.usage.total).toBe(seen.usage.prompt! + seen.usage.completion!);
  });

  it('reads a stream in the pieces the script wants', async () => {
    const client = await script(streamOf(['one', ' two', ' three'], { delayMs: 5 }));
    expect((await client.ask({ prompt: 'Count.', stream: true })).pieces).toEqual(['one', ' two', ' three']);
  });

  it.each([false, true])('reads parallel tool calls with their own ids (stream: %s)', async (stream) => {
    const client = await script(
      toolCalls([
        { name: 'weather', arguments: { city: 'São Paulo, the one with the very long name' } },
        { name: 'population', arguments: { city: 'Oslo' } },
      ]),
    );
    const seen = await client.ask({ prompt: 'How is it there?', tools: weatherTools, stream });
    expect(seen.calls.map(({ name, arguments: args }) => ({ name, args }))).toEqual([
      { name: 'weather', args: { city: 'São Paulo, the one with the very long name' } },
      { name: 'population', args: { city: 'Oslo' } },
    ]);
    expect(new Set(seen.calls.map((call) => call.id)).size).toBe(2);
    expect(seen.finishReason).toBe('tool-calls');
    expect(model!.requests[0]!.tools.map((offered) => offered.name)).toEqual(['weather', 'population']);
  });

  it.each([false, true])('asks for structured output and gets it (stream: %s)', async (stream) => {
    const client = await script(json({ city: 'Bergen' }));
    const seen = await client.ask({ prompt: 'Which city?', schema: city, stream });
    expect(JSON.parse(seen.text)).toEqual({ city: 'Bergen' });
    expect(model!.requests[0]!.schema).toMatchObject({ type: 'object', required: ['city'] });
  });

  it.each([false, true])('is told that the answer was cut at the output limit (stream: %s)', async (stream) => {
    const client = await script(text(longText));
    const seen = await client.ask({ prompt: 'Go on.', maxTokens: 20, stream });
    expect(seen.finishReason).toBe('length');
    expect(seen.usage.completion).toBeLessThanOrEqual(20);
    expect(longText.startsWith(seen.text)).toBe(true);
    expect(seen.text).not.toBe('');
  });

  it.each([
    [400, false],
    [401, false],
    [429, false],
    [429, true],
    [500, false],
    [503, true],
  ])('reports status %i as that status (stream: %s)', async (status, stream) => {
    const client = await script(error(status, undefined, { 'retry-after': '1' }));
    const failure: unknown = await client.ask({ prompt: 'Fail.', stream }).catch((reason: unknown) => reason);
    expect(client.statusOf(failure)).toBe(status);
    expect(String(failure)).toContain(`Scripted error ${status}.`);
  });

  it('fails on a stream that breaks off', async () => {
    const client = await script(streamOf(['one', ' two', ' three'], { cutAfter: 1 }));
    await expect(client.ask({ prompt: 'Count.', stream: true })).rejects.toThrow();
    expect(model!.stats()).toMatchObject({ completed: 0, broken: 1 });
  });

  it('gets no text from a refusal', async () => {
    const client = await script(refusal('I would rather not.'));
    expect(await client.ask({ prompt: 'Do it.' })).toMatchObject({ text: '', finishReason: 'stop' });
  });
});

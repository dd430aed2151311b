import * as fc from 'fast-check';
import { countTokens as exactly } from 'gpt-tokenizer/encoding/o200k_base';
import type OpenAI from 'openai';
import { describe, expect, it } from 'vitest';
import { countTokens } from '../../../activities/model/countTokens.js';
import { inputTokensOf } from '../../../activities/model/inputTokens.js';
import { assistantMessage, type Message } from '../../../activities/model/messages.js';

/** As plain text, also what looks like a token that steers a model. */
const asText = { disallowedSpecial: new Set<string>() };
const real = (text: string): number => exactly(text, asText);
const openAi = 'https://api.openai.com/v1';

function boundOf(
  messages: Message[],
  config: { model?: string; tokenizer?: 'o200k_base' | 'bytes' } = {},
  baseURL = openAi,
) {
  const client = { baseURL } as OpenAI;
  const model = { client, config: { provider: 'openai', model: 'gpt-4o-mini', ...config } };
  return inputTokensOf({ messages, tools: [], responseFormat: undefined })(model);
}
const bytesOf = (messages: Message[]): number => Buffer.byteLength(JSON.stringify(messages));
const saying = (content: string): Message[] => [{ role: 'user', content }];

const words = fc.constantFrom(
  ' the',
  'Net income',
  ' ',
  '  ',
  '\n',
  '\r\n\n',
  "'s",
  '12,345.6',
  '<|endoftext|>',
  '/',
  'ДА',
  '漢字',
  '🏴‍☠️',
);
const texts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.string({ unit: 'grapheme', maxLength: 300 }),
  fc
    .array(fc.oneof(words, fc.string({ unit: 'grapheme-ascii', maxLength: 6 })), { maxLength: 80 })
    .map((all) => all.join('')),
  // Half surrogate pairs, which the wire replaces.
  fc.array(fc.integer({ min: 0xd7f0, max: 0xe010 }), { maxLength: 50 }).map((units) => String.fromCharCode(...units)),
  fc
    .tuple(fc.constantFrom('a', 'Ä', '漢', ' ', '!', '\n', '\u0301'), fc.integer({ min: 90, max: 400 }))
    .map(([unit, times]) => unit.repeat(times)),
);

describe('the tokens of a text', () => {
  it('are never counted under what there are', async () => {
    await fc.assert(
      fc.asyncProperty(texts, async (text) => {
        expect(await countTokens(text)).toBeGreaterThanOrEqual(real(text));
      }),
      { numRuns: 1_000 },
    );
  });

  it('are exact, but for runs of over 100 characters, which count their bytes', async () => {
    const prose = 'Revenue grew 8% to $12.4 million; see note 7.\n\tДоход вырос. 收入增长了。\n'.repeat(50);
    expect(await countTokens(prose)).toBe(real(prose));
    expect(await countTokens('x'.repeat(101))).toBe(101);
    expect(await countTokens('x'.repeat(100))).toBe(real('x'.repeat(100)));
  });

  /** Rounds of the event loop while it counts. */
  async function roundsOf(counting: () => Promise<unknown>): Promise<number> {
    await countTokens('The table is loaded.');
    let rounds = 0;
    let goesOn = true;
    const round = (): void => {
      rounds += 1;
      if (goesOn) setImmediate(round);
    };
    setImmediate(round);
    await counting();
    goesOn = false;
    return rounds;
  }

  it.each([
    ['one long text', [Array.from({ length: 60_000 }, (_, index) => index.toString(36)).join('+')]],
    ['many short ones', Array.from({ length: 4_000 }, (_, index) => `Entry ${index}: nothing of note happened.`)],
  ])('are counted in slices, between which others have their turn: %s', async (_, texts) => {
    const rounds = await roundsOf(async () => {
      for (const text of texts) await countTokens(text);
    });
    expect(rounds).toBeGreaterThan(1);
  });

  it('are counted in one slice a round, also when many calls count at once', async () => {
    const numbers = (seed: number): string =>
      Array.from({ length: 5_000 }, (_, index) => `${seed}-${index * 7_919}`).join(' ');
    const texts = Array.from({ length: 20 }, (_, seed) => numbers(seed));
    expect(await roundsOf(() => Promise.all(texts.map(countTokens)))).toBeGreaterThanOrEqual(texts.length);
  });
});

describe('the bound of a request', () => {
  it('lies over the tokens of all it says, and not over its bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(texts, { maxLength: 5 }), texts, async (said, text) => {
        const call = assistantMessage(text, [{ id: 'c1', name: 'lookUp', arguments: text }]);
        const messages: Message[] = [...said.flatMap(saying), call];
        const bound = await boundOf(messages);
        const inside = [...said, text, text, 'lookUp'].reduce((sum, one) => sum + real(one), 0);
        expect(bound).toBeGreaterThanOrEqual(inside + 4 * messages.length);
        expect(bound).toBeLessThanOrEqual(256 + '[[],null]'.length + bytesOf(messages));
      }),
    );
  });

  const long = saying('The quick brown fox jumps over the lazy dog. '.repeat(200));
  it.each<[model: string, baseURL: string, tokenizer: 'o200k_base' | 'bytes' | undefined, counted: boolean]>([
    ['gpt-4o', openAi, undefined, true],
    ['gpt-5-mini', openAi, undefined, true],
    ['o3-2025-04-16', openAi, undefined, true],
    ['ft:gpt-4o-mini-2024-07-18:acme::abc', openAi, undefined, true],
    ['gpt-4-turbo', openAi, undefined, false],
    ['gpt-4o-search-preview', openAi, undefined, false],
    ['gpt-5.7', openAi, undefined, false],
    ['gpt-4o', 'http://127.0.0.1:8000/v1', undefined, false],
    ['house-model', 'http://127.0.0.1:8000/v1', 'o200k_base', true],
    ['gpt-4o', openAi, 'bytes', false],
  ])('of %s at %s with tokenizer %s comes from tokens: %s', async (model, baseURL, tokenizer, counted) => {
    const bound = await boundOf(long, { model, ...(tokenizer && { tokenizer }) }, baseURL);
    expect(bound < bytesOf(long) / 2).toBe(counted);
  });

  it('of over a million characters is its bytes: nobody waits for it to be counted', async () => {
    const endless = saying('ab+1'.repeat(260_000));
    expect(await boundOf(endless)).toBeGreaterThan(bytesOf(endless));
  });
});

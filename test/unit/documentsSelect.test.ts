import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { selectPages } from '../../activities/tools/index.js';
import { MemoryStore, toolContext } from '../fixtures/documents/memoryStore.js';

const filler = 'General remarks about the company and its people, places and plans. '.repeat(20);
const pageOf = (number: number, text: string): string => `[page ${number}]\n${text}`;

function select(text: string, queries: string | string[], maxTokens: number) {
  return selectPages.execute({ text, queries, maxTokens }, toolContext(new MemoryStore()));
}

describe('selectPages', () => {
  const document = [
    pageOf(1, `Form 10-Q of Example Corp. ${filler}`),
    pageOf(2, filler),
    pageOf(3, `Net sales\t82,959\t81,434\nNet income\t19,442\t21,744 ${filler}`),
    pageOf(4, filler),
    pageOf(5, `Foreign currency risk may harm our results. ${filler}`),
    pageOf(6, filler),
  ].join('\n');

  it('returns a text that fits unchanged', async () => {
    const result = await select(document, 'net income', 1_000_000);
    expect(result).toEqual({ text: document, pages: [1, 2, 3, 4, 5, 6], omitted: 0, cut: false });
  });

  it('keeps the first page and the pages that answer, in document order', async () => {
    const result = await select(document, ['foreign currency risk', 'net income'], 1_500);
    expect(result.pages).toEqual([1, 3, 5]);
    expect(result.text.match(/^\[page \d+\]$/gm)).toEqual(['[page 1]', '[page 3]', '[page 5]']);
    expect(result).toMatchObject({ omitted: 3, cut: false });
  });

  it('gives every query its best page before any gets a second', async () => {
    const greedy = Array.from({ length: 9 }, (_, index) => pageOf(index + 2, `revenue revenue revenue ${filler}`));
    const text = [pageOf(1, 'Cover'), ...greedy, pageOf(11, `covenant breach ${filler}`)].join('\n');
    expect((await select(text, ['revenue', 'covenant breach'], 1_000)).pages).toEqual([1, 2, 11]);
  });

  it('cuts a first page that is too long by itself at a line, and says so', async () => {
    const long = pageOf(1, Array.from({ length: 50 }, (_, line) => `Line ${line} of the cover`).join('\n'));
    const result = await select(`${long}\n${pageOf(2, 'net income')}`, 'net income', 100);
    expect(result.cut).toBe(true);
    expect(result.text.length).toBeLessThanOrEqual(300);
    expect(result.text.split('\n').at(-1)).toMatch(/^Line \d+ of the cover$/);
  });

  it('stays within the budget and never splits a later page, whatever the text', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.string({ maxLength: 200 }).map((text) => text.replace(/[[\]]/g, '')),
          { minLength: 1, maxLength: 20 },
        ),
        fc.string({ minLength: 1, maxLength: 30 }),
        fc.integer({ min: 10, max: 500 }),
        async (texts, query, maxTokens) => {
          const pages = texts.map((text, index) => pageOf(index + 1, text.replace(/\n/g, ' ')));
          const result = await select(pages.join('\n'), query, maxTokens);
          expect(result.text.length).toBeLessThanOrEqual(maxTokens * 3);
          for (const number of result.pages.slice(1)) expect(result.text).toContain(pages[number - 1]);
        },
      ),
    );
  });
});

import { z } from 'zod';
import { defineTool } from '../../core/defineTool.js';
import { rankPages } from './rankPages.js';

/** Figures and punctuation cost more tokens than prose; three characters a token errs on the safe side for both. */
const charactersPerToken = 3;

/**
 * Makes a long document fit a model's context: whole pages only, the most relevant to the queries, in document order.
 * The first page (who, what, when) is always kept; where even it is too long, it is cut at a line.
 */
export const selectPages = defineTool({
  description: 'Keep the pages of a long text that say most about the queries, so that it fits in maxTokens.',
  input: z.object({
    text: z.string().describe('Text with a [page N] line before each page, as readDocument returns it'),
    queries: z
      .union([z.string().min(1), z.array(z.string().min(1)).min(1).max(20)])
      .describe('What to look for: a few words each; every query gets its best pages in turn'),
    maxTokens: z.number().int().positive().describe('Size of the result in tokens, estimated at three characters each'),
  }),
  output: z.object({
    text: z.string().describe('The pages kept, page markers included'),
    pages: z.array(z.number().int()).describe('Numbers of the pages kept'),
    omitted: z.number().int().nonnegative().describe('How many pages were left out'),
    cut: z.boolean().describe('Whether the first page itself had to be cut'),
  }),
  readOnly: true,
  duration: 'long',
  execute({ text, queries, maxTokens }) {
    const budget = maxTokens * charactersPerToken;
    const pages = splitPages(text);
    if (text.length <= budget) return { text, pages: pages.map(({ number }) => number), omitted: 0, cut: false };
    const [first = { number: 1, text: '' }] = pages;
    const opening = cutAtLine(first.text, budget);
    let left = budget - opening.length;
    const kept = new Set([0]);
    for (const index of rankPages(
      pages.map((page) => page.text),
      [queries].flat(),
    )) {
      const size = (pages[index]?.text.length ?? 0) + 1;
      if (kept.has(index) || size > left) continue;
      kept.add(index);
      left -= size;
    }
    const chosen = pages.filter((_, index) => kept.has(index));
    return {
      text: [opening, ...chosen.slice(1).map((page) => page.text)].join('\n'),
      pages: chosen.map(({ number }) => number),
      omitted: pages.length - chosen.length,
      cut: opening.length < first.text.length,
    };
  },
});

function splitPages(text: string): { number: number; text: string }[] {
  return text
    .split(/^(?=\[page \d+\]$)/m)
    .filter((page) => page !== '')
    .map((page) => ({ number: Number(/^\[page (\d+)\]/.exec(page)?.[1] ?? 1), text: page.replace(/\n$/, '') }));
}

function cutAtLine(text: string, budget: number): string {
  if (text.length <= budget) return text;
  const end = text.lastIndexOf('\n', budget);
  return text.slice(0, end > 0 ? end : budget);
}

import { describe, expect, it } from 'vitest';
import { readDocument, selectPages } from '../../activities/tools/index.js';
import { buildSample } from '../../examples/investor-report/sample.js';
import { filings } from '../fixtures/documents/filings.js';
import { MemoryStore, toolContext } from '../fixtures/documents/memoryStore.js';

const context = toolContext(new MemoryStore());

async function pagesOf(bytes: Uint8Array): Promise<string[]> {
  const store = new MemoryStore();
  const document = await store.write(bytes, 'application/pdf');
  const { text } = await readDocument.execute({ document }, toolContext(store));
  return text.split(/^(?=\[page \d+\]$)/m);
}

/** A figure as the fixtures print it: grouped, a loss in parentheses. */
function printed(value: number): RegExp {
  const digits = Math.abs(value).toLocaleString('en-US', { minimumFractionDigits: Number.isInteger(value) ? 0 : 1 });
  return new RegExp(value < 0 ? `\\(${digits}\\)` : `(?<![\\d,(])${digits}(?![\\d,])`);
}

describe.each(filings.map((filing) => [filing.name, filing] as const))('%s', (_, { build, expected }) => {
  it('shows each expected figure on its page', async () => {
    const bytes = await build();
    const pages = await pagesOf(bytes);
    for (const { current, prior, page } of [expected.revenue, expected.netIncome, expected.operatingExpenses]) {
      if (page === null) continue;
      if (current !== null) expect(pages[page - 1]).toMatch(printed(current));
      if (prior !== null) expect(pages[page - 1]).toMatch(printed(prior));
    }
    expect(pages.join('')).toContain(expected.company);
  });
});

describe('the statement of operations', () => {
  it('keeps one cell for each column in every row that has figures', async () => {
    const northwind = filings.find(({ name }) => name.startsWith('northwind'));
    const statement = (await pagesOf((await northwind?.build()) ?? new Uint8Array()))[3] ?? '';
    const rows = statement.split('\n').filter((line) => line.includes('\t'));
    expect(rows).toContain('Net income\t$ 2,143\t$ 2,002\t$ 7,118\t$ 6,643');
    expect(
      rows
        .filter((row) => /^[A-Z].*\t/.test(row) && !row.startsWith('Three'))
        .every((row) => row.split('\t').length >= 4),
    ).toBe(true);
  });

  it('survives when an 80-page filing is cut down to a model’s context', async () => {
    const cascadia = filings.find(({ name }) => name.startsWith('cascadia'));
    const text = (await pagesOf((await cascadia?.build()) ?? new Uint8Array())).join('');
    const queries = [
      'statements of operations total revenue operating expenses net loss three months ended',
      'risk factors',
    ];
    const selected = await selectPages.execute({ text, queries, maxTokens: 15_000 }, context);
    expect(selected.pages).toContain(4);
    expect(selected.pages[0]).toBe(1);
    expect(selected.omitted).toBeGreaterThan(50);
  });
});

describe('the sample', () => {
  it('is the same file every time', async () => {
    expect(Buffer.compare(await buildSample(), await buildSample())).toBe(0);
  });

  it('states what the example’s readers are told to find', async () => {
    const text = (await pagesOf(await buildSample())).join('');
    for (const words of [
      '₹5,200 crore',
      '₹820 crore',
      '22%',
      '15%',
      '18%',
      '45 new enterprise clients',
      '₹1,800 crore',
      '38%',
      'by 3%',
    ]) {
      expect(text).toContain(words);
    }
  });
});

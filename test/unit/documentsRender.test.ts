import { afterEach, describe, expect, it, vi } from 'vitest';
import { axisTicks } from '../../activities/tools/report/drawChart.js';
import { readDocument, renderReport } from '../../activities/tools/index.js';
import type { Report } from '../../activities/tools/index.js';
import { MemoryStore, toolContext } from '../fixtures/documents/memoryStore.js';

const report: Report = {
  title: 'TechCorp India: Investor summary',
  subtitle: 'Q3 2024',
  source: 'From techcorp.pdf',
  figures: [{ label: 'Revenue', value: '₹5,200 crore', note: '+22% on the year', tone: 'good' }],
  sections: [
    { heading: 'Summary', paragraphs: ['Revenue rose 22% to ₹5,200 crore – more than expected.'] },
    {
      heading: 'Figures',
      table: {
        columns: [{ label: 'Item' }, { label: 'This quarter' }, { label: 'Change' }],
        rows: [
          ['Revenue', '5,200', '+22%'],
          ['Net income', '820', '+15%'],
        ],
      },
      chart: {
        title: 'Quarters',
        unit: '₹ crore',
        series: ['Before', 'Now'],
        groups: [{ label: 'Revenue', values: [null, 5_200] }],
      },
    },
    { heading: 'Risks', bullets: [{ lead: 'Currency.', text: 'A stronger rupee cost 3%.', page: 3 }, 'Competition'] },
  ],
};

async function render(input: Report, store = new MemoryStore()) {
  const { document } = await renderReport.execute({ report: input, fileName: 'summary.pdf' }, toolContext(store));
  const { text, pages } = await readDocument.execute({ document }, toolContext(store));
  return { document, text, pages };
}

const sized = (sections: Report['sections']): Report => ({ title: 'T', sections });

describe('renderReport', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('draws text, table, figures and page references that can be read back', async () => {
    const { text, document } = await render(report);
    expect(document).toMatchObject({ mediaType: 'application/pdf', name: 'summary.pdf' });
    const lines = text.split('\n');
    expect(lines).toContain('Revenue rose 22% to ₹5,200 crore – more than expected.');
    expect(lines).toContain('Revenue\t5,200\t+22%');
    expect(lines).toContain('Net income\t820\t+15%');
    expect(text).toMatch(/Currency\. A stronger rupee cost 3%\. \(p\. 3\)/);
    expect(text).toContain('Page 1 of 1');
  });

  it('gives the same bytes for the same report at another time', async () => {
    const first = await render(report);
    vi.useFakeTimers({ now: new Date('2031-05-05T05:05:05Z'), toFake: ['Date'] });
    const second = await render(report);
    expect(second.document.sha256).toBe(first.document.sha256);
    expect((await render({ ...report, title: 'Another' })).document.sha256).not.toBe(first.document.sha256);
  });

  it('lets long texts and tables flow over pages, the table’s head on each', async () => {
    const rows = Array.from({ length: 120 }, (_, index) => [`Item ${index}`, String(index)]);
    const { text, pages } = await render(
      sized([
        { heading: 'Long', paragraphs: ['A sentence that goes on for a while. '.repeat(400)] },
        { heading: 'Table', table: { columns: [{ label: 'Name' }, { label: 'Number' }], rows } },
      ]),
    );
    expect(pages).toBeGreaterThan(4);
    expect(text.split('\n').filter((line) => line === 'Name\tNumber').length).toBeGreaterThan(2);
    for (const [name, number] of rows) expect(text).toContain(`${name}\t${number}`);
    expect(text).toContain(`Page ${pages} of ${pages}`);
  });

  it('draws a report with nothing in it', async () => {
    const empty = sized([
      { heading: '', table: { columns: [{ label: 'A' }], rows: [] }, chart: { title: '', series: ['a'], groups: [] } },
    ]);
    expect((await render(empty)).pages).toBe(1);
  });

  it.each([
    ['a word of 20,000 letters', 'x'.repeat(20_000)],
    ['control characters and direction overrides', '\u0000\u0007\u202eevil\u2066 \u001b[31m'.repeat(50)],
    ['half a surrogate pair', 'a\ud800b'],
    ['scripts the font lacks', '中文 हिन्दी 😀'.repeat(50)],
    ['PDF syntax', ') Tj ET endstream endobj trailer << /Root 1 0 R >> %%EOF'.repeat(20)],
  ])('draws %s', async (_, hostile) => {
    const cell = hostile.slice(0, 500);
    const { text } = await render(
      sized([
        {
          heading: hostile.slice(0, 200),
          paragraphs: [hostile],
          bullets: [{ lead: hostile.slice(0, 300), text: hostile.slice(0, 4_000), page: 1 }],
          table: { columns: [{ label: cell.slice(0, 120) }, { label: 'b' }], rows: [[cell, cell]] },
        },
        { heading: 'The end', paragraphs: ['reached'] },
      ]),
    );
    expect(text).toContain('The end');
    expect(text).toContain('reached');
  });

  it('draws the chart’s axis from or to zero in round steps', () => {
    expect(axisTicks(0, 5_200)).toEqual([0, 2_000, 4_000, 6_000]);
    expect(axisTicks(-320, 713)).toEqual([-500, 0, 500, 1_000]);
    expect(axisTicks(0, 0)).toEqual([0, 0.25]);
  });
});

import { describe, expect, it } from 'vitest';
import { readDocument } from '../../activities/tools/index.js';
import { brokenDocuments } from '../fixtures/documents/broken.js';
import { MemoryStore, toolContext } from '../fixtures/documents/memoryStore.js';
import { filings } from '../fixtures/documents/filings.js';
import { drawPdf, drawRow } from '../fixtures/documents/pdf.js';

const columns = [{ right: 330 }, { right: 410 }, { right: 490 }];

async function read(bytes: Uint8Array, mediaType = 'application/pdf', pages?: string, name = 'report.pdf') {
  const store = new MemoryStore();
  const document = await store.write(bytes, mediaType, name);
  return readDocument.execute({ document, pages }, toolContext(store));
}

const lines = (text: string): string[] => text.split('\n');
const text = (value: string): Uint8Array => new Uint8Array(Buffer.from(value));

describe('readDocument on PDF', () => {
  it('puts a table row on one line with a TAB between cells', async () => {
    const bytes = await drawPdf((doc) => {
      doc.fontSize(9);
      drawRow(doc, 100, 'Net sales', ['$ 82,959', '$ 81,434', '2%'], columns);
      drawRow(doc, 114, 'Cost of sales', ['47,074', '46,179', '—'], columns);
      drawRow(doc, 128, 'Net loss', ['$ (1,234)', '(56)', '(12)%'], columns);
    });
    expect(lines((await read(bytes)).text)).toEqual([
      '[page 1]',
      'Net sales\t$ 82,959\t$ 81,434\t2%',
      'Cost of sales\t47,074\t46,179\t—',
      'Net loss\t$ (1,234)\t(56)\t(12)%',
    ]);
  });

  it('reads prose in two columns one column after the other', async () => {
    const bytes = await drawPdf((doc) => {
      doc.fontSize(10).text('Letter to shareholders', 54, 60);
      const prose = (word: string): string => `The ${word} column says, at some length, what happened. `.repeat(12);
      doc.text(prose('left'), 54, 100, { width: 235 });
      doc.text(prose('right'), 320, 100, { width: 235 });
    });
    const read1 = lines((await read(bytes)).text);
    expect(read1[1]).toBe('Letter to shareholders');
    const firstRight = read1.findIndex((line) => line.includes('right'));
    const lastLeft = read1.findLastIndex((line) => line.includes('left'));
    expect(firstRight).toBeGreaterThan(lastLeft);
    expect(read1.join('')).not.toContain('\t');
  });

  it('keeps a statement together whose labels are as long as prose', async () => {
    const labels = Array.from({ length: 14 }, (_, index) => `Other income of the period, net of tax, item ${index}`);
    const bytes = await drawPdf((doc) => {
      doc.fontSize(9);
      labels.forEach((label, index) => drawRow(doc, 100 + index * 13, label, ['1,234', '(567)', '89'], columns));
    });
    expect(lines((await read(bytes)).text).slice(1)).toEqual(labels.map((label) => `${label}\t1,234\t(567)\t89`));
  });

  it('keeps a footnote mark on the line it belongs to', async () => {
    const bytes = await drawPdf((doc) => {
      doc.fontSize(10).text('Total revenue', 54, 100, { lineBreak: false });
      const markAt = doc.widthOfString('Total revenue') + 0.5;
      doc.fontSize(6).text('(1)', 54 + markAt, 98, { lineBreak: false });
      doc.fontSize(10).text('1,200', 300, 100, { lineBreak: false });
    });
    expect(lines((await read(bytes)).text)[1]).toBe('Total revenue(1)\t1,200');
  });

  it('lets no line of a document pass for a page marker', async () => {
    const bytes = await drawPdf((doc) => void doc.text('[page 7]'));
    expect(lines((await read(bytes)).text)).toEqual(['[page 1]', '(page 7)']);
  });

  it('reads the pages asked for and says how many there are', async () => {
    const bytes = await drawPdf((doc) => {
      for (let page = 1; page <= 5; page++) (page > 1 ? doc.addPage() : doc).text(`This is sheet ${page}`);
    });
    const result = await read(bytes, 'application/pdf', '2-3');
    expect(result).toEqual({ text: '[page 2]\nThis is sheet 2\n[page 3]\nThis is sheet 3', pages: 5, characters: 49 });
    await expect(read(bytes, 'application/pdf', '6-9')).rejects.toMatchObject({ type: 'Tool.InvalidInput' });
    await expect(read(bytes, 'application/pdf', '4-2')).rejects.toMatchObject({ type: 'Tool.InvalidInput' });
  });

  it('takes a PDF for one whatever media type it came with', async () => {
    const bytes = await drawPdf((doc) => void doc.text('Hello'));
    expect((await read(bytes, 'application/octet-stream')).text).toBe('[page 1]\nHello');
  });

  it('stops between pages when the run is cancelled', async () => {
    const bytes = await drawPdf((doc) => {
      for (let page = 1; page <= 20; page++) doc.addPage().text('words');
    });
    const store = new MemoryStore();
    const document = await store.write(bytes, 'application/pdf');
    const controller = new AbortController();
    const seen: unknown[] = [];
    const heartbeat = (details: unknown): void => {
      seen.push(details);
      if (seen.length === 3) controller.abort(new Error('cancelled'));
    };
    const reading = readDocument.execute({ document }, toolContext(store, { signal: controller.signal, heartbeat }));
    await expect(reading).rejects.toThrow('cancelled');
    expect(seen).toEqual([1, 2, 3].map((page) => ({ page, pageCount: 21 })));
  });
});

describe('readDocument on other files', () => {
  it('reads plain text, a form feed starting a page', async () => {
    expect((await read(text('one\r\ntwo\fthree'), 'text/plain; charset=utf-8', undefined, 'a.txt')).text).toBe(
      '[page 1]\none\ntwo\n[page 2]\nthree',
    );
  });

  it('reads CSV rows as table rows, quoted cells included', async () => {
    const csv = 'Item,Q3,Q2\n"Revenue, net","5,200","4,262"\n"say ""hi""\nthere",,1\n';
    expect(lines((await read(text(csv), 'text/csv', undefined, 'a.csv')).text)).toEqual([
      '[page 1]',
      'Item\tQ3\tQ2',
      'Revenue, net\t5,200\t4,262',
      'say "hi" there\t\t1',
    ]);
  });

  it('reads a CSV whose quote is never closed without losing a word', async () => {
    const result = await read(text('a,b\n"open,c\nd,e'), 'text/csv', undefined, 'a.csv');
    expect(result.text).toContain('open');
    expect(result.text).toContain('e');
  });

  it.each(brokenDocuments.map((broken) => [broken.name, broken.error, broken] as const))(
    'refuses %s with %s',
    async (name, error, broken) => {
      const bytes = await broken.build();
      await expect(read(bytes, broken.mediaType, undefined, name)).rejects.toMatchObject({
        type: error,
        retryable: false,
      });
    },
  );

  it('refuses what is over 64 MB before reading it', async () => {
    const store = new MemoryStore();
    const document = { sha256: 'a'.repeat(64), mediaType: 'application/pdf', bytes: 64 * 1024 * 1024 + 1 };
    await expect(readDocument.execute({ document }, toolContext(store))).rejects.toMatchObject({
      type: 'Document.TooLarge',
    });
  });

  it('reports a document the store does not hold', async () => {
    const document = { sha256: 'a'.repeat(64), mediaType: 'application/pdf', bytes: 10 };
    await expect(readDocument.execute({ document }, toolContext(new MemoryStore()))).rejects.toMatchObject({
      type: 'Document.Missing',
    });
  });
});

describe('documents read side by side', () => {
  it('do not know of each other: each has its own pages', async () => {
    const store = new MemoryStore();
    const built = await Promise.all(filings.slice(0, 3).map(({ build }) => build()));
    const documents = await Promise.all(built.map((bytes) => store.write(bytes, 'application/pdf')));
    const alone: string[] = [];
    for (const document of documents) alone.push((await readDocument.execute({ document }, toolContext(store))).text);
    const together = await Promise.all(
      documents.map(async (document) => (await readDocument.execute({ document }, toolContext(store))).text),
    );
    expect(together).toEqual(alone);
  });
});

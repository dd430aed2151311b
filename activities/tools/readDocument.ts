/**
 * A document's text, in the form every agent of a project can rely on.
 *
 * Invariants of the text:
 * 1. `[page N]` alone on a line starts page N, and no other line looks like that.
 * 2. Lines come in reading order; a table row is one line, its cells separated by TAB.
 * 3. Figures stand as in the document: `$ 1,234`, `(1,234)`, `12%`, `—`; a sign and its number share a cell.
 */
import { z } from 'zod';
import { defineTool } from '../../core/defineTool.js';
import { documentRefSchema } from '../../core/document.js';
import type { DocumentRef } from '../../core/document.js';
import { SegnoError } from '../../core/errors.js';
import type { ToolContext } from '../../core/tool.js';
import { readPdf } from './pdf/readPdf.js';
import { readPlainText } from './plainText.js';

const maxBytes = 64 * 1024 * 1024;
const plainTypes = new Set(['text/plain', 'text/markdown', 'text/csv']);

const inputSchema = z.object({
  document: documentRefSchema.describe('The document to read'),
  pages: z
    .string()
    .regex(/^\d{1,4}(?:-\d{1,4})?$/, 'a page or a range of pages, such as 3 or 3-12')
    .optional()
    .describe('Pages to read, such as 3 or 3-12; all when left out'),
});

const outputSchema = z.object({
  text: z.string().describe('The text: [page N] before each page, table rows on one line with TAB between cells'),
  pages: z.number().int().nonnegative().describe('How many pages the document has'),
  characters: z.number().int().nonnegative().describe('Length of the text'),
});

type Pages = { pageCount: number; pages: readonly { number: number; lines: readonly string[] }[] };

/**
 * Reads PDF, plain text, Markdown and CSV: up to 64 MB and 2,000 pages.
 *
 * Fails with `Document.Unsupported`, `.Scanned`, `.Encrypted`, `.Empty`, `.Corrupt`, `.TooLarge` or `.Missing`; none is
 * retryable, since the same bytes read the same tomorrow.
 */
export const readDocument = defineTool({
  description: 'Read the text of a document (PDF, plain text, Markdown, CSV), page by page.',
  input: inputSchema,
  output: outputSchema,
  readOnly: true,
  duration: 'long',
  timeoutMs: 120_000,
  async execute({ document, pages: wanted }, context) {
    refuseLarge(document.bytes);
    const bytes = await context.documents.read(document);
    refuseLarge(bytes.byteLength);
    if (bytes.byteLength === 0) throw new SegnoError('Document.Empty', 'The file has no content at all.');
    const { pageCount, pages } = await readPages(document, bytes, wanted, context);
    const text = pages.map(({ number, lines }) => [`[page ${number}]`, ...lines].join('\n')).join('\n');
    return { text, pages: pageCount, characters: text.length };
  },
});

async function readPages(
  document: DocumentRef,
  bytes: Uint8Array,
  wanted: string | undefined,
  context: Pick<ToolContext, 'signal' | 'heartbeat'>,
): Promise<Pages> {
  if (looksLikePdf(bytes)) {
    return readPdf(bytes, {
      range: (pageCount) => pageRange(wanted, pageCount),
      signal: context.signal,
      onPage: (page, pageCount) => context.heartbeat({ page, pageCount }),
    });
  }
  const mediaType = (document.mediaType.split(';')[0] ?? '').trim().toLowerCase();
  if (!plainTypes.has(mediaType)) throw unsupported(document, mediaType);
  const all = readPlainText(bytes, mediaType);
  const { first, last } = pageRange(wanted, all.length);
  const pages = all.slice(first - 1, last).map((lines, index) => ({ number: first + index, lines }));
  if (!pages.some((page) => page.lines.some((line) => line.trim() !== ''))) {
    throw new SegnoError('Document.Empty', 'The file holds no text.');
  }
  return { pageCount: all.length, pages };
}

function pageRange(wanted: string | undefined, pageCount: number): { first: number; last: number } {
  if (wanted === undefined) return { first: 1, last: pageCount };
  const [from = '', to = from] = wanted.split('-');
  const first = Number(from);
  const last = Math.min(Number(to), pageCount);
  if (first >= 1 && first <= last) return { first, last };
  throw new SegnoError(
    'Tool.InvalidInput',
    `pages: ${wanted} names no page of this document, which has pages 1 to ${pageCount}.`,
  );
}

/** The header may stand anywhere in the first kilobyte: mail gateways and printers put lines of their own before it. */
function looksLikePdf(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 1_024)).includes('%PDF-');
}

function unsupported(document: DocumentRef, mediaType: string): SegnoError {
  const claimsPdf = mediaType === 'application/pdf' || document.name?.toLowerCase().endsWith('.pdf');
  const what = claimsPdf ? 'The file is called a PDF but is none' : `Files of type ${mediaType} are not read`;
  return new SegnoError('Document.Unsupported', `${what}. Give a PDF, plain text, Markdown or CSV.`);
}

function refuseLarge(bytes: number): void {
  if (bytes <= maxBytes) return;
  throw new SegnoError('Document.TooLarge', `The file has ${Math.ceil(bytes / 1_048_576)} MB; at most 64 MB are read.`);
}

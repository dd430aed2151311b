/**
 * PDF bytes to pages of text, through PDF.js without drawing anything.
 *
 * Invariants:
 * 1. A file that cannot be read whole fails with a `Document.*` error; it never yields a part as if it were all.
 * 2. Memory and time are bounded by page count and character count, not by what the file claims about itself.
 * 3. The signal is honoured between pages, and PDF.js is destroyed on every way out.
 */
import { fileURLToPath } from 'node:url';
import type { PDFDocumentProxy, PDFPageProxy } from 'pdfjs-dist/legacy/build/pdf.mjs';
import { SegnoError } from '../../../core/errors.js';
import { layoutPage } from './layoutPage.js';
import type { PageRuns, TextRun } from './textRun.js';

export const maxPages = 2_000;
/** Far above any report; what is beyond it is a decompression bomb. */
const maxCharacters = 16_000_000;

export interface PdfPages {
  readonly pageCount: number;
  readonly pages: readonly { readonly number: number; readonly lines: readonly string[] }[];
}

export interface ReadPdfOptions {
  /** First and last page to read, counted from 1; given the page count so that open ends can be resolved. */
  range(pageCount: number): { first: number; last: number };
  signal: AbortSignal;
  onPage(page: number, pageCount: number): void;
}

/** @throws SegnoError `Document.Corrupt`, `Document.Encrypted`, `Document.Scanned`, `Document.Empty`, `Document.TooLarge` */
export async function readPdf(bytes: Uint8Array, options: ReadPdfOptions): Promise<PdfPages> {
  if (!endsAsPdf(bytes)) {
    throw new SegnoError('Document.Corrupt', 'The PDF is cut off: its end marker is missing. Fetch the file again.');
  }
  const withImages = holdsImages(bytes);
  const { getDocument, VerbosityLevel } = await import('pdfjs-dist/legacy/build/pdf.mjs');
  const task = getDocument({
    // PDF.js takes ownership of the bytes it is given.
    data: bytes.slice(),
    verbosity: VerbosityLevel.ERRORS,
    isEvalSupported: false,
    disableFontFace: true,
    useSystemFonts: false,
    enableXfa: false,
    cMapUrl: packageFolder('cmaps'),
    standardFontDataUrl: packageFolder('standard_fonts'),
  });
  try {
    const document = await task.promise.catch((cause: unknown) => Promise.reject(openFailure(cause)));
    const pageCount = document.numPages;
    if (pageCount > maxPages) {
      throw new SegnoError(
        'Document.TooLarge',
        `The PDF has ${pageCount} pages; at most ${maxPages} are read. Split it.`,
      );
    }
    const { first, last } = options.range(pageCount);
    const pages: { number: number; lines: string[] }[] = [];
    let characters = 0;
    for (let number = first; number <= last; number++) {
      options.signal.throwIfAborted();
      const lines = layoutPage(await runsOf(document, number));
      characters += lines.reduce((sum, line) => sum + line.length + 1, 0);
      if (characters > maxCharacters) {
        throw new SegnoError('Document.TooLarge', `The PDF holds more than ${maxCharacters} characters of text.`);
      }
      pages.push({ number, lines });
      options.onPage(number, pageCount);
    }
    const readable = visibleCharacters(pages);
    // A scanner's own stamp or page numbers are a few characters a page; a page of text is hundreds.
    if (withImages && readable < pages.length * 16) {
      throw new SegnoError(
        'Document.Scanned',
        'The PDF holds pictures of pages and no text. Run text recognition (OCR) over it first.',
      );
    }
    if (readable === 0) throw new SegnoError('Document.Empty', 'The PDF’s pages hold no text.');
    return { pageCount, pages };
  } finally {
    await task.destroy();
  }
}

async function runsOf(document: PDFDocumentProxy, number: number): Promise<PageRuns> {
  let page: PDFPageProxy | undefined;
  try {
    page = await document.getPage(number);
    const viewport = page.getViewport({ scale: 1 });
    const [a, b, c, d, e, f] = viewport.transform as [number, number, number, number, number, number];
    const { items } = await page.getTextContent();
    const runs: TextRun[] = [];
    for (const item of items) {
      if (!('str' in item) || item.str.trim() === '') continue;
      const [ta, tb, tc, td, te, tf] = item.transform as [number, number, number, number, number, number];
      // Sideways stamps and watermarks would be woven into the lines they cross.
      const across = a * ta + c * tb;
      const down = b * ta + d * tb;
      if (Math.abs(down) > Math.abs(across) * 0.2) continue;
      runs.push({
        text: item.str,
        x: a * te + c * tf + e,
        y: b * te + d * tf + f,
        width: item.width,
        size: Math.hypot(tc, td) || 1,
      });
    }
    return { width: viewport.width, height: viewport.height, runs };
  } catch (cause) {
    throw new SegnoError('Document.Corrupt', `Page ${number} of the PDF is damaged and cannot be read.`, { cause });
  } finally {
    page?.cleanup();
  }
}

function openFailure(cause: unknown): SegnoError {
  const name = cause instanceof Error ? cause.name : '';
  if (name === 'PasswordException') {
    return new SegnoError('Document.Encrypted', 'The PDF is protected with a password. Remove the protection first.');
  }
  return new SegnoError('Document.Corrupt', 'The PDF is damaged and cannot be opened.', { cause });
}

/** PDF.js repairs a cut file silently and returns the pages it still finds; the missing end tells. */
function endsAsPdf(bytes: Uint8Array): boolean {
  const tail = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).subarray(-4_096);
  return tail.includes('%%EOF') || tail.includes('startxref');
}

/** Image dictionaries are never compressed; `/ImageB` and its like only announce what a page might use. */
function holdsImages(bytes: Uint8Array): boolean {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = file.indexOf('/Image'); at >= 0; at = file.indexOf('/Image', at + 6)) {
    if (!/[A-Za-z]/.test(String.fromCharCode(file[at + 6] ?? 32))) return true;
  }
  return false;
}

function visibleCharacters(pages: PdfPages['pages']): number {
  return pages.reduce(
    (sum, page) => sum + page.lines.reduce((inner, line) => inner + line.replace(/\s/g, '').length, 0),
    0,
  );
}

function packageFolder(name: string): string {
  return fileURLToPath(new URL(`../../${name}/`, import.meta.resolve('pdfjs-dist/legacy/build/pdf.mjs')));
}

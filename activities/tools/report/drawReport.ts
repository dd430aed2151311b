/**
 * A structured report as a PDF.
 *
 * Invariants:
 * 1. The same report gives the same bytes: date and file id come from the report, never from the clock.
 * 2. Any string is drawable: control characters and direction overrides are dropped, words longer than a line are broken,
 *    scripts the font lacks (it has Latin, Greek and Cyrillic) become question marks.
 */
import PDFDocument from 'pdfkit';
import { drawChart } from './drawChart.js';
import { drawTable } from './drawTable.js';
import type { Report, ReportBullet, ReportFigure, ReportSection } from './reportSchema.js';
import { colors, contentBottom, contentWidth, fonts, layout, registerFonts } from './reportStyle.js';

/** Stands for a character of a script the font does not have. */
const missing = '?';

export async function drawReport(report: Report): Promise<Uint8Array> {
  const doc = new PDFDocument({
    size: [layout.width, layout.height],
    margins: { top: layout.margin, left: layout.margin, right: layout.margin, bottom: layout.bottom },
    bufferPages: true,
    lang: 'en',
    displayTitle: true,
    info: {
      Title: report.title,
      ...(report.subtitle && { Subject: report.subtitle }),
      Author: report.author ?? 'Segno',
      Creator: 'Segno',
      Producer: 'Segno',
      CreationDate: new Date(`${report.date ?? '2000-01-01'}T00:00:00Z`),
    },
  });
  const chunks: Buffer[] = [];
  const bytes = new Promise<Uint8Array>((resolve, reject) => {
    doc.on('data', (chunk: Buffer) => chunks.push(chunk));
    doc.on('end', () => resolve(new Uint8Array(Buffer.concat(chunks))));
    doc.on('error', reject);
  });
  registerFonts(doc);
  const printable = cleaned(report, glyphTest(doc));
  drawTitle(doc, printable);
  if (printable.figures?.length) drawFigures(doc, printable.figures);
  for (const section of printable.sections) drawSection(doc, section);
  drawFooters(doc, printable);
  doc.end();
  return bytes;
}

function drawTitle(doc: PDFKit.PDFDocument, report: Report): void {
  doc.rect(0, 0, layout.width, 10).fill(colors.accent);
  doc
    .font(fonts.bold)
    .fontSize(24)
    .fillColor(colors.accent)
    .text(report.title, layout.margin, layout.margin, { width: contentWidth });
  const line = [report.subtitle, report.date].filter((part) => part).join('  ·  ');
  if (line !== '') doc.font(fonts.regular).fontSize(12).fillColor(colors.muted).text(line, { width: contentWidth });
  doc.y += 8;
  doc
    .moveTo(layout.margin, doc.y)
    .lineTo(layout.margin + contentWidth, doc.y)
    .lineWidth(1.2)
    .stroke(colors.accent);
  doc.y += 14;
}

function drawFigures(doc: PDFKit.PDFDocument, figures: readonly ReportFigure[]): void {
  const gap = 10;
  const width = (contentWidth - gap * (figures.length - 1)) / figures.length;
  const height = 66;
  const top = doc.y;
  figures.forEach((figure, index) => {
    const x = layout.margin + index * (width + gap);
    const inner = { width: width - 20, lineBreak: true, ellipsis: true };
    doc.rect(x, top, width, height).fill(colors.band);
    doc.rect(x, top, 3, height).fill(colors.accent);
    doc
      .font(fonts.regular)
      .fontSize(9)
      .fillColor(colors.muted)
      .text(figure.label, x + 12, top + 8, { ...inner, height: 11 });
    const size = figure.value.length > 14 ? 13 : 17;
    doc
      .font(fonts.bold)
      .fontSize(size)
      .fillColor(colors.ink)
      .text(figure.value, x + 12, top + 21, { ...inner, height: 20 });
    const tone = figure.tone === 'good' ? colors.good : figure.tone === 'bad' ? colors.bad : colors.muted;
    if (figure.note)
      doc
        .font(fonts.regular)
        .fontSize(9)
        .fillColor(tone)
        .text(figure.note, x + 12, top + 47, { ...inner, height: 11 });
  });
  doc.x = layout.margin;
  doc.y = top + height + 16;
}

function drawSection(doc: PDFKit.PDFDocument, section: ReportSection): void {
  // A heading needs company: at least two lines of what follows on the same page.
  if (section.newPage || doc.y + 64 > contentBottom) doc.addPage();
  doc
    .font(fonts.bold)
    .fontSize(14)
    .fillColor(colors.accent)
    .text(section.heading, layout.margin, doc.y, { width: contentWidth });
  doc.y += 4;
  for (const paragraph of section.paragraphs ?? []) {
    body(doc).text(paragraph, layout.margin, doc.y, { width: contentWidth, lineGap: 2 });
    doc.y += 6;
  }
  for (const bullet of section.bullets ?? []) drawBullet(doc, bullet);
  if (section.table) {
    doc.y += 2;
    drawTable(doc, section.table);
  }
  if (section.chart) {
    doc.y += 4;
    drawChart(doc, section.chart);
  }
  doc.y += 8;
}

function drawBullet(doc: PDFKit.PDFDocument, bullet: ReportBullet): void {
  const { lead, text, page } = typeof bullet === 'string' ? { text: bullet, lead: undefined, page: undefined } : bullet;
  if (doc.y + 28 > contentBottom) doc.addPage();
  body(doc).text('•', layout.margin + 2, doc.y, { lineBreak: false });
  const options = { width: contentWidth - 14, lineGap: 2 };
  const x = layout.margin + 14;
  const reference = page ? ` (p. ${page})` : '';
  if (lead)
    doc.font(fonts.bold).text(`${lead}${text || reference ? ' ' : ''}`, x, doc.y, {
      ...options,
      continued: text !== '' || reference !== '',
    });
  if (text) {
    doc.font(fonts.regular);
    const rest = { ...options, continued: reference !== '' };
    if (lead) doc.text(text, rest);
    else doc.text(text, x, doc.y, rest);
  }
  if (reference) doc.fillColor(colors.muted).text(reference, options);
  doc.x = layout.margin;
  doc.y += 4;
}

function body(doc: PDFKit.PDFDocument): PDFKit.PDFDocument {
  return doc.font(fonts.regular).fontSize(11).fillColor(colors.ink);
}

function drawFooters(doc: PDFKit.PDFDocument, report: Report): void {
  const { start, count } = doc.bufferedPageRange();
  for (let index = 0; index < count; index++) {
    doc.switchToPage(start + index);
    // Below the bottom margin pdfkit would start a new page.
    doc.page.margins.bottom = 0;
    const y = layout.height - 40;
    doc
      .moveTo(layout.margin, y - 6)
      .lineTo(layout.margin + contentWidth, y - 6)
      .lineWidth(0.5)
      .stroke(colors.rule);
    doc.font(fonts.regular).fontSize(8.5).fillColor(colors.muted);
    doc.text(report.source ?? report.title, layout.margin, y, { width: contentWidth - 90, height: 11, ellipsis: true });
    doc.text(`Page ${index + 1} of ${count}`, layout.margin + contentWidth - 80, y, {
      width: 80,
      align: 'right',
      lineBreak: false,
    });
  }
}

type GlyphTest = (codePoint: number) => boolean;

/** pdfkit measures what a font lacks other than viewers do, and lines would run over the margin. */
function glyphTest(doc: PDFKit.PDFDocument): GlyphTest {
  doc.font(fonts.regular);
  const { font } = (doc as unknown as { _font: { font: { hasGlyphForCodePoint: GlyphTest } } })._font;
  return (codePoint) => codePoint === 10 || font.hasGlyphForCodePoint(codePoint);
}

function cleaned<T>(value: T, hasGlyph: GlyphTest): T {
  if (typeof value === 'string') return cleanText(value, hasGlyph) as T;
  if (Array.isArray(value)) return value.map((item: unknown) => cleaned(item, hasGlyph)) as T;
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, cleaned(item as unknown, hasGlyph)]),
    ) as T;
  }
  return value;
}

function cleanText(text: string, hasGlyph: GlyphTest): string {
  const plain = text
    .normalize('NFC')
    .replace(/\r\n?|[\u2028\u2029]/g, '\n')
    .replace(/\t/g, '  ')
    .replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe0f\ufeff]/g, '');
  // Longer than any word, shorter than a line: pdfkit's own way of breaking words is quadratic.
  return Array.from(plain, (character) => (hasGlyph(character.codePointAt(0) ?? 0) ? character : missing))
    .join('')
    .replace(/\S{50}(?=\S)/g, '$& ');
}

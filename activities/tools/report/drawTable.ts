import { colors, contentBottom, contentWidth, fonts, layout } from './reportStyle.js';
import type { ReportTable } from './reportSchema.js';

const padding = 5;
const size = 10;

/** Draws a table from `doc.y` on; its head is repeated on every page it reaches. */
export function drawTable(doc: PDFKit.PDFDocument, table: ReportTable): void {
  const widths = columnWidths(doc, table);
  const aligns = table.columns.map((column, index) => column.align ?? (index === 0 ? 'left' : 'right'));
  const drawHead = (): void => {
    const labels = table.columns.map((column) => column.label);
    const height = rowHeight(doc, labels, widths, fonts.bold);
    doc.rect(layout.margin, doc.y, contentWidth, height).fill(colors.accent);
    drawCells(doc, labels, widths, aligns, fonts.bold, '#ffffff', height);
  };
  const headHeight = rowHeight(
    doc,
    table.columns.map((column) => column.label),
    widths,
    fonts.bold,
  );
  if (doc.y + headHeight * 2.5 > contentBottom) doc.addPage();
  drawHead();
  table.rows.forEach((cells, index) => {
    const row = table.columns.map((_, column) => cells[column] ?? '');
    const height = rowHeight(doc, row, widths, fonts.regular);
    if (doc.y + height > contentBottom) {
      doc.addPage();
      drawHead();
    }
    if (index % 2 === 1) doc.rect(layout.margin, doc.y, contentWidth, height).fill(colors.band);
    drawCells(doc, row, widths, aligns, fonts.regular, colors.ink, height);
  });
  doc
    .moveTo(layout.margin, doc.y)
    .lineTo(layout.margin + contentWidth, doc.y)
    .lineWidth(0.8)
    .stroke(colors.rule);
  doc.y += 4;
  if (table.note) {
    doc
      .font(fonts.italic)
      .fontSize(8.5)
      .fillColor(colors.muted)
      .text(table.note, layout.margin, doc.y, { width: contentWidth });
  }
  doc.y += 8;
}

/** Columns as wide as their longest cell; where that leaves the first less than a third, they shrink alike. */
function columnWidths(doc: PDFKit.PDFDocument, table: ReportTable): number[] {
  if (table.columns.length === 1) return [contentWidth];
  doc.font(fonts.bold).fontSize(size);
  const wanted = table.columns.slice(1).map((column, index) => {
    const cells = [column.label, ...table.rows.slice(0, 200).map((row) => row[index + 1] ?? '')];
    const longest = cells.reduce((a, b) => (b.length > a.length ? b : a), '');
    return Math.max(48, doc.widthOfString(longest.slice(0, 80)) + padding * 2 + 2);
  });
  const total = wanted.reduce((sum, width) => sum + width, 0);
  const scale = Math.min(1, (contentWidth * 0.67) / total);
  return [contentWidth - total * scale, ...wanted.map((width) => width * scale)];
}

function rowHeight(doc: PDFKit.PDFDocument, cells: readonly string[], widths: readonly number[], font: string): number {
  doc.font(font).fontSize(size);
  const heights = cells.map((cell, index) =>
    doc.heightOfString(cell || ' ', { width: (widths[index] ?? 0) - padding * 2 }),
  );
  return Math.min(Math.max(...heights), contentBottom - layout.margin - 80) + padding * 2;
}

function drawCells(
  doc: PDFKit.PDFDocument,
  cells: readonly string[],
  widths: readonly number[],
  aligns: readonly ('left' | 'right')[],
  font: string,
  color: string,
  height: number,
): void {
  const top = doc.y;
  let x = layout.margin;
  doc.font(font).fontSize(size).fillColor(color);
  cells.forEach((cell, index) => {
    const width = widths[index] ?? 0;
    doc.text(cell, x + padding, top + padding, {
      width: width - padding * 2,
      height: height - padding,
      align: aligns[index] ?? 'left',
    });
    x += width;
  });
  doc.x = layout.margin;
  doc.y = top + height;
}

import { colors, contentBottom, contentWidth, fonts, layout, seriesColor } from './reportStyle.js';
import type { ReportChart } from './reportSchema.js';

const plotHeight = 150;
const axisWidth = 58;

/** Draws grouped bars from `doc.y` on: vector shapes, values on the bars, a zero line where values are negative. */
export function drawChart(doc: PDFKit.PDFDocument, chart: ReportChart): void {
  const values = chart.groups
    .flatMap((group) => group.values)
    .filter((value): value is number => value !== null && Number.isFinite(value));
  if (values.length === 0) return;
  if (doc.y + plotHeight + 70 > contentBottom) doc.addPage();
  const title = chart.unit ? `${chart.title} (${chart.unit})` : chart.title;
  doc.font(fonts.bold).fontSize(10).fillColor(colors.ink).text(title, layout.margin, doc.y, { width: contentWidth });
  drawLegend(doc, chart.series);
  const top = doc.y + 14;
  const ticks = axisTicks(Math.min(0, ...values), Math.max(0, ...values));
  const low = ticks[0] ?? 0;
  const high = ticks.at(-1) ?? 1;
  const yOf = (value: number): number => top + plotHeight * (1 - (value - low) / (high - low));
  for (const tick of ticks) {
    const y = yOf(tick);
    doc.moveTo(layout.margin + axisWidth, y).lineTo(layout.margin + contentWidth, y);
    doc.lineWidth(tick === 0 ? 0.9 : 0.4).stroke(tick === 0 ? colors.muted : colors.rule);
    doc.font(fonts.regular).fontSize(8).fillColor(colors.muted);
    doc.text(short(tick), layout.margin, y - 4, { width: axisWidth - 8, align: 'right', lineBreak: false });
  }
  const slot = (contentWidth - axisWidth) / chart.groups.length;
  const barWidth = Math.min(46, (slot * 0.7) / chart.series.length);
  chart.groups.forEach((group, groupIndex) => {
    const center = layout.margin + axisWidth + slot * (groupIndex + 0.5);
    const left = center - (barWidth * chart.series.length) / 2;
    group.values.slice(0, chart.series.length).forEach((value, index) => {
      if (value === null || !Number.isFinite(value)) return;
      const x = left + index * barWidth;
      doc
        .rect(x + 1, Math.min(yOf(value), yOf(0)), barWidth - 2, Math.max(0.6, Math.abs(yOf(value) - yOf(0))))
        .fill(seriesColor(index, chart.series.length));
      doc.font(fonts.regular).fontSize(8).fillColor(colors.ink);
      doc.text(short(value), x - 12, value < 0 ? yOf(value) + 2 : yOf(value) - 11, {
        width: barWidth + 24,
        align: 'center',
        lineBreak: false,
      });
    });
    doc.font(fonts.regular).fontSize(9).fillColor(colors.ink);
    doc.text(group.label, center - slot / 2, top + plotHeight + (low < 0 ? 14 : 5), {
      width: slot,
      align: 'center',
      height: 22,
      ellipsis: true,
    });
  });
  doc.x = layout.margin;
  doc.y = top + plotHeight + (low < 0 ? 38 : 30);
}

function drawLegend(doc: PDFKit.PDFDocument, series: readonly string[]): void {
  const y = doc.y + 3;
  let x = layout.margin;
  doc.font(fonts.regular).fontSize(9);
  series.forEach((name, index) => {
    const width = Math.min(doc.widthOfString(name), 110);
    doc.rect(x, y + 1, 8, 8).fill(seriesColor(index, series.length));
    doc.fillColor(colors.muted).text(name, x + 12, y, { width: width + 2, height: 11, ellipsis: true });
    x += width + 28;
  });
  doc.y = y + 12;
}

/** Round steps from at or below `low` to at or above `high`, four to seven of them. */
export function axisTicks(low: number, high: number): number[] {
  const span = high - low || 1;
  const rough = span / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 2.5, 5].find((factor) => factor * power >= rough) ?? 10) * power;
  const first = Math.floor(low / step);
  const last = Math.max(Math.ceil(high / step), first + 1);
  return Array.from({ length: last - first + 1 }, (_, index) => (first + index) * step);
}

function short(value: number): string {
  const magnitude = Math.abs(value);
  if (magnitude >= 1e15) return value.toExponential(1);
  return value.toLocaleString('en-US', { maximumFractionDigits: magnitude < 10 ? 2 : magnitude < 100 ? 1 : 0 });
}

import { fileURLToPath } from 'node:url';

/** Units: PDF points. A4 with margins that leave a line length of about 90 characters. */
export const layout = { width: 595.28, height: 841.89, margin: 56, bottom: 64 } as const;
export const contentWidth = layout.width - layout.margin * 2;
export const contentBottom = layout.height - layout.bottom;

export const colors = {
  ink: '#1c2733',
  muted: '#5f6f7f',
  accent: '#12406b',
  accentSoft: '#9db8d2',
  third: '#c9862b',
  fourth: '#6b7f4e',
  rule: '#d5dde5',
  band: '#f3f6f9',
  good: '#1d7a46',
  bad: '#b3382c',
} as const;

/** The last of two series is the one that matters: a year before and now, plan and result. */
export function seriesColor(index: number, count: number): string {
  if (count === 1) return colors.accent;
  return [colors.accentSoft, colors.accent, colors.third, colors.fourth][index] ?? colors.accent;
}

const face = (name: string): string =>
  fileURLToPath(
    new URL(`./${name}/Carlito_${name}.ttf`, import.meta.resolve('@expo-google-fonts/carlito/package.json')),
  );

/** Carlito (SIL Open Font License): has the rupee sign, dashes, Greek and Cyrillic. */
export const fonts = { regular: 'body', bold: 'bold', italic: 'italic' } as const;

export function registerFonts(doc: PDFKit.PDFDocument): void {
  doc.registerFont(fonts.regular, face('400Regular'));
  doc.registerFont(fonts.bold, face('700Bold'));
  doc.registerFont(fonts.italic, face('400Regular_Italic'));
}

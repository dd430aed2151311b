import type { DocumentRef } from 'segno';

export interface Message {
  channel: string;
  text: string;
}

/**
 * The messages in a channel's export: the rows of a CSV file (the last column), the sections of a Markdown file, the parts of a
 * text between lines of dashes.
 *
 * @param text as `readDocument` gives it: a `[page N]` line before each page, TAB between the cells of a row
 */
export function messagesOf(channel: string, { mediaType }: DocumentRef, text: string): Message[] {
  const lines = text.split('\n').filter((line) => !/^\[page \d+\]$/.test(line));
  return partsOf(lines, mediaType)
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => ({ channel, text: part }));
}

function partsOf(lines: readonly string[], mediaType: string): string[] {
  if (mediaType === 'text/csv') return lines.slice(1).map((row) => row.split('\t').at(-1) ?? '');
  if (mediaType === 'text/markdown')
    return lines
      .join('\n')
      .split(/^## .*$/m)
      .slice(1);
  return lines.join('\n').split(/^-{3,}$/m);
}

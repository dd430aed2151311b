import { SegnoError } from '../../core/errors.js';

/** Text files' bytes as lines; a form feed starts a page. UTF-8, UTF-16 with a mark, else Windows-1252. */
export function readPlainText(bytes: Uint8Array, mediaType: string): string[][] {
  const text = decode(bytes).replaceAll('\r\n', '\n').replaceAll('\r', '\n');
  const lines = mediaType === 'text/csv' ? [csvRows(text)] : text.split('\f').map((page) => page.split('\n'));
  return lines.map((page) => page.map((line) => (/^\[page \d+\]$/i.test(line) ? `(${line.slice(1, -1)})` : line)));
}

function decode(bytes: Uint8Array): string {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return new TextDecoder('utf-16le').decode(bytes);
  if (first === 0xfe && second === 0xff) return new TextDecoder('utf-16be').decode(bytes);
  if (bytes.includes(0)) {
    throw new SegnoError('Document.Unsupported', 'The file says it is text but holds binary data.');
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder('windows-1252').decode(bytes);
  }
}

/** Rows of RFC 4180 as lines with TAB between cells; line breaks and TABs inside a cell become spaces. */
function csvRows(text: string): string[] {
  const rows: string[] = [];
  let cells: string[] = [];
  const cell = /(?:"((?:[^"]|"")*)"|([^,\n]*))(,|\n|$)/y;
  while (cell.lastIndex < text.length) {
    const match = cell.exec(text);
    if (!match) {
      // A quote that is never closed: the rest of that line is taken as it stands.
      const start = rows.length === 0 && cells.length === 0 ? 0 : cell.lastIndex;
      rows.push(
        ...text
          .slice(start)
          .split('\n')
          .map((line) => line.replaceAll(',', '\t')),
      );
      break;
    }
    cells.push((match[1]?.replaceAll('""', '"') ?? match[2] ?? '').replace(/[\s]+/g, ' ').trim());
    if (match[3] !== ',') {
      rows.push(cells.join('\t'));
      cells = [];
    }
  }
  if (cells.length > 0) rows.push([...cells, ''].join('\t'));
  return rows;
}

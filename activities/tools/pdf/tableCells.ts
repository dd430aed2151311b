/**
 * Cells of a table row as a person reads them: typesetters draw `$`, the number and its closing bracket as separate
 * pieces, often far apart.
 *
 * Invariants:
 * 1. No visible character is lost: cells are joined or split, and only spaces come or go.
 * 2. Linear in the number of characters; safe on hostile input.
 */
const currency = /^(?:[A-Z]{1,3})?[$€£¥₹](?:M|m|bn|mn)?$|^(?:Rs\.?|INR|USD|EUR|GBP)$/;
const amountStart = /^\(?-?−?\s?[$€£¥₹]?\s?(?:\(|\d|\.\d|[—–-]+\)?%?$)/;
const closing = /^(?:\)|\)\s?%|%|\)\s?(?:pts?|bps|pp)\.?|(?:pts?|bps|pp)\.?|[%)]\s?\(\w\))$/;
const amount = String.raw`\(?[-−]?\d[\d,]{0,24}(?:\.\d{1,6})?\)?%?`;
const priced = new RegExp(String.raw`[$€£¥₹]\s?(?:${amount}|[—–])`, 'g');
const onlyPriced = new RegExp(String.raw`^(?:(?:${amount}|[—–])\s)?(?:[$€£¥₹]\s?(?:${amount}|[—–])\s?){1,12}$`);
const grouped = String.raw`\(?\d{1,3}(?:,\d{3})+\)?`;
const onlyGrouped = new RegExp(`^${grouped}(?: ${grouped}){1,11}$`);
const trailingCurrency = /^(.*\S)\s+((?:[A-Z]{1,3})?[$€£¥₹])$/s;
/** Longer cells are prose: the patterns above are never tried on them. */
const longestFigureCell = 160;

export function isFigure(text: string): boolean {
  return text.length <= longestFigureCell && amountStart.test(text) && !/[A-Za-z]{3}/.test(text);
}

export function isCurrency(text: string): boolean {
  return text.length <= 6 && currency.test(text);
}

export function isClosing(text: string): boolean {
  return text.length <= 8 && closing.test(text);
}

/** @param pieces a row's texts from left to right, split wherever there was a gap */
export function tableCells(pieces: readonly string[]): string[] {
  if (pieces.length < 2) return [...pieces];
  return joinClosing(joinCurrency(splitTrailingCurrency(pieces.flatMap(splitFigures)))).map(closeUp);
}

/** `$ 82,959 $ 81,434` drawn without a visible gap is two cells. */
function splitFigures(piece: string): string[] {
  if (piece.length > longestFigureCell) return [piece];
  if (onlyGrouped.test(piece)) return piece.split(' ');
  if (!onlyPriced.test(piece)) return [piece];
  const first = piece.search(/[$€£¥₹]/);
  const head = piece.slice(0, first).trim();
  return [...(head === '' ? [] : [head]), ...(piece.slice(first).match(priced) ?? []).map((part) => part.trim())];
}

/** `(17,325) $` before `119,158`: the sign belongs to the next cell, and so does the one after a label. */
function splitTrailingCurrency(pieces: readonly string[]): string[] {
  return pieces.flatMap((piece, index) => {
    const next = pieces[index + 1];
    if (next === undefined || piece.length > longestFigureCell || !startsFigure(next)) return [piece];
    const [, head, sign] = trailingCurrency.exec(piece) ?? [];
    return head === undefined || sign === undefined ? [piece] : [head, sign];
  });
}

function joinCurrency(pieces: readonly string[]): string[] {
  const cells: string[] = [];
  let pending = '';
  for (const piece of pieces) {
    if (pending !== '') {
      const sign = pending;
      pending = '';
      if (startsFigure(piece)) {
        cells.push(`${sign} ${piece}`);
        continue;
      }
      cells.push(sign);
    }
    if (isCurrency(piece)) pending = piece;
    else cells.push(piece);
  }
  if (pending !== '') cells.push(pending);
  return cells;
}

/** Also a figure with words after it, as in a chart's labels: `(300) Operating loss`. */
function startsFigure(piece: string): boolean {
  return isFigure(piece) || /^\(?\d[\d,.]*\)? /.test(piece);
}

function joinClosing(pieces: readonly string[]): string[] {
  const cells: string[] = [];
  for (const piece of pieces) {
    const last = cells.at(-1);
    if (
      last !== undefined &&
      /[\d—–)]$/.test(last) &&
      isClosing(piece) &&
      (!piece.startsWith(')') || last.includes('('))
    ) {
      cells[cells.length - 1] = last + piece;
      continue;
    }
    // An opening bracket of its own: `(` `1,234` `)`.
    if (last !== undefined && /^(?:[$€£¥₹]\s?)?\($/.test(last) && isFigure(piece)) {
      cells[cells.length - 1] = last + piece;
      continue;
    }
    cells.push(piece);
  }
  return cells;
}

/** `(1,234 )` is drawn with a space before the bracket. */
function closeUp(cell: string): string {
  return cell.length <= longestFigureCell ? cell.replace(/(\d) (?=\)%?$|%$)/, '$1') : cell;
}

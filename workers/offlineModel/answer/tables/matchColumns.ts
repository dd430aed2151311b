import type { CellNumber } from '../text/scanNumbers.js';
import type { Column } from './readHeader.js';

/**
 * One column for each value of a row, or null when they cannot be told apart. Rows may have fewer values than the header
 * has columns (changes left blank) or more (a note number first, a percentage of sales beside each amount).
 */
export function matchColumns(values: readonly CellNumber[], columns: readonly Column[]): Column[] | null {
  const dated = columns.filter((column) => column.kind === 'value');
  const extra: Column = { kind: 'change', percent: true, months: null, end: null };
  if (values.length === columns.length) return [...columns];
  if (values.length === dated.length) return [...dated];
  const first = values[0];
  const isNote = first !== undefined && first.decimals <= 1 && first.value > 0 && first.value < 60 && !first.percent;
  if (isNote && values.length === dated.length + 1) return [extra, ...dated];
  if (isNote && values.length === columns.length + 1) return [extra, ...columns];

  if (values.length > dated.length) return matchWithShares(values, dated, extra);
  return null;
}

/** Percentages that the header does not announce: dropped where as many amounts remain as there are dated columns. */
function matchWithShares(values: readonly CellNumber[], dated: readonly Column[], extra: Column): Column[] | null {
  const amounts = values.filter((value) => !value.percent);
  if (amounts.length === dated.length) {
    let at = 0;
    return values.map((value) => (value.percent ? extra : (dated[at++] ?? extra)));
  }
  if (values.length === dated.length * 2) {
    const shares = values.filter((_, at) => at % 2 === 1);
    if (shares.every((share) => Math.abs(share.value) <= 100)) {
      return values.map((_, at) => (at % 2 === 0 ? (dated[at / 2] ?? extra) : extra));
    }
  }
  // Current, prior, then an unannounced change: amount and per cent.
  if (dated.length === 2 && values.length <= 4) {
    return values.map((value, at) => dated[at] ?? { ...extra, percent: value.percent || at === values.length - 1 });
  }
  return null;
}

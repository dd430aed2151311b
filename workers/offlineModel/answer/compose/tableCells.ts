import { formatAmount as format, formatNumber, formatPercent } from './formatAmount.js';
import type { KnownFigure } from './readFacts.js';

/** An amount of a figure as a table's cell prints it. */
export function formatAmount(value: number, figure: KnownFigure): string {
  return figure.unit?.includes('%') || figure.unit === 'percent'
    ? `${formatNumber(value)}%`
    : format(value, figure.currency, figure.unit);
}

export function signedGrowth(figure: KnownFigure): string {
  return figure.growthPercent === null ? '' : formatPercent(figure.growthPercent);
}

const signs: Readonly<Record<string, string>> = { USD: '$', INR: '₹', EUR: '€', GBP: '£', JPY: '¥' };

/** `₹5,200 crore`, `-$454 million`; Indian grouping for nobody: the figure reads as most reports print it. */
export function formatAmount(value: number, currency: string | null, unit: string | null): string {
  const sign = currency === null ? '' : (signs[currency] ?? `${currency} `);
  const scale = unit === null || unit === 'one' ? '' : ` ${unit}`;
  return `${value < 0 ? '-' : ''}${sign}${formatNumber(Math.abs(value))}${scale}`;
}

export function formatNumber(value: number): string {
  const [whole = '0', fraction] = String(Math.abs(value)).split('.');
  const grouped = whole.replace(/\B(?=(?:\d{3})+(?!\d))/g, ',');
  return `${value < 0 ? '-' : ''}${grouped}${fraction === undefined ? '' : `.${fraction}`}`;
}

export function formatPercent(value: number): string {
  return `${value > 0 ? '+' : value < 0 ? '-' : ''}${formatNumber(Math.abs(value))}%`;
}

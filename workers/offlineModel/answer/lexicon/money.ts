/** Currencies and scales by the signs and words documents use. Signs that several countries share mean the commonest. */
export type Scale = 'one' | 'thousand' | 'lakh' | 'million' | 'crore' | 'billion' | 'trillion';

export const scaleFactor: Readonly<Record<Scale, number>> = {
  one: 1,
  thousand: 1e3,
  lakh: 1e5,
  million: 1e6,
  crore: 1e7,
  billion: 1e9,
  trillion: 1e12,
};

const scaleWords: Readonly<Record<string, Scale>> = {
  thousand: 'thousand', k: 'thousand', '000s': 'thousand', "000's": 'thousand', '000': 'thousand',
  lakh: 'lakh', lac: 'lakh',
  million: 'million', mn: 'million', m: 'million', mm: 'million',
  crore: 'crore', cr: 'crore',
  billion: 'billion', bn: 'billion', b: 'billion',
  trillion: 'trillion',
}; // prettier-ignore

export function scaleOf(word: string): Scale | null {
  const plain = word.toLowerCase().replace(/\.$/, '');
  return scaleWords[plain] ?? scaleWords[plain.replace(/s$/, '')] ?? null;
}

const currencySigns: Readonly<Record<string, string>> = {
  $: 'USD', us$: 'USD', usd: 'USD', dollar: 'USD', dollars: 'USD', 'u.s. dollars': 'USD',
  c$: 'CAD', ca$: 'CAD', cad: 'CAD', 'canadian dollars': 'CAD',
  a$: 'AUD', au$: 'AUD', aud: 'AUD', 'australian dollars': 'AUD',
  hk$: 'HKD', hkd: 'HKD', s$: 'SGD', sgd: 'SGD', nz$: 'NZD', nzd: 'NZD',
  '€': 'EUR', eur: 'EUR', euro: 'EUR', euros: 'EUR',
  '£': 'GBP', gbp: 'GBP', pound: 'GBP', pounds: 'GBP',
  '₹': 'INR', rs: 'INR', 'rs.': 'INR', inr: 'INR', rupee: 'INR', rupees: 'INR',
  '¥': 'JPY', jpy: 'JPY', yen: 'JPY', cny: 'CNY', rmb: 'CNY', yuan: 'CNY', '₩': 'KRW', chf: 'CHF', francs: 'CHF',
}; // prettier-ignore

/** ISO 4217 of a sign, code or word; null when it is none. */
export function currencyOf(sign: string): string | null {
  return currencySigns[sign.trim().toLowerCase()] ?? null;
}

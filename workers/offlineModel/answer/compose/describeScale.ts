/** A unit for people: `INR crore`, `USD million`, `USD per share`. */
export function describeScale(currency: string | null, scale: string | null, suffix = ''): string | null {
  const parts = [currency ?? '', scale === null || scale === 'one' ? '' : scale, suffix].filter((part) => part !== '');
  return parts.length > 0 ? parts.join(' ') : null;
}

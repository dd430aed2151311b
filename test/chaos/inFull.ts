/** SEGNO_CHAOS=full: every victim at every moment; otherwise each of them once, as CI has the time for. */
export const full = process.env['SEGNO_CHAOS'] === 'full';

/** Rows of a test that only the full run takes. */
export function inFull<const Row>(...rows: Row[]): Row[] {
  return full ? rows : [];
}

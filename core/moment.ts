/** Moments as people write them: ISO 8601 with a zone, or a date, which is its first moment in UTC. */
const form = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2}))?$/;

/** @returns milliseconds since 1970; undefined for what is no moment, also for one without a zone: it means another on every machine */
export function momentMs(moment: string | Date): number | undefined {
  const ms = typeof moment === 'string' ? (form.test(moment) ? Date.parse(moment) : NaN) : moment.getTime();
  if (!Number.isFinite(ms)) return undefined;
  return typeof moment === 'string' && !isDay(moment.slice(0, 10)) ? undefined : ms;
}

/** For timers: moments of this year and later are too far off. */
export const latestMomentMs = Date.UTC(3000, 0, 1);

export const momentForm = 'a Date, or a text such as "2027-01-31T09:00:00Z" or "2027-01-31"';

/** The 30th of February is parsed as a day of March. */
function isDay(day: string): boolean {
  return new Date(`${day}T00:00:00Z`).toISOString().startsWith(day);
}

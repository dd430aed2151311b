import { type EventSchema, everyInterval, sleepUntil, waitForEvent } from '../../../../workflows/index.js';
import type { Spec } from './spec.js';

const amountSchema: EventSchema<{ amount: number }> = {
  safeParse(data) {
    const { amount } = (data ?? {}) as { amount?: unknown };
    if (typeof amount === 'number') return { success: true, data: { amount } };
    return { success: false, error: { issues: [{ path: ['amount'], message: 'is no number' }] } };
  },
};

type Awaited = Extract<Spec, { do: 'event' | 'sleepUntil' | 'every' }>;

/** What waits for an event or a moment. */
export async function runAwaited(spec: Awaited, body: (spec: Spec) => () => Promise<unknown>): Promise<unknown> {
  if (spec.do === 'sleepUntil') {
    const at = new Date(Date.now() + spec.inMs);
    await sleepUntil(at.toISOString());
    return Date.now() >= at.getTime();
  }
  if (spec.do === 'event') {
    const { name, key, timeout, amount } = spec;
    const data = await waitForEvent<unknown>(name, {
      ...(key !== undefined && { key }),
      ...(timeout !== undefined && { timeout }),
      ...(amount && { data: amountSchema }),
    });
    return data ?? null;
  }
  const { every, times, untilMs, onFailure, rounds } = spec;
  const startMs = Date.now();
  const began: number[] = [];
  const { results, skipped } = await everyInterval(
    {
      every,
      ...(times !== undefined && { times }),
      ...(untilMs !== undefined && { until: new Date(startMs + untilMs) }),
      ...(onFailure && { onFailure }),
    },
    (round) => {
      began.push(Date.now() - startMs);
      return body(rounds[Math.min(round, rounds.length) - 1]!)();
    },
  );
  return { began, skipped, statuses: results.map(({ status }) => status) };
}

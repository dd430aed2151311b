import { condition } from '@temporalio/workflow';
import { eventTitle, nameFaults } from '../../core/event.js';
import { Deadline, type Duration, waitFaults } from '../deadline.js';
import { closeWait, type EventSchema, type EventWait, openWait } from '../eventInbox.js';
import { fail } from '../failure.js';
import { endProgress, showProgress } from '../progress.js';
import { nextPath } from '../scope.js';

export interface EventOptions<Data = unknown> {
  /** What it must be about. Default: an event without a key. */
  key?: string;
  /** Schema of its data, of zod for example: what does not fit is refused to who sends it. Default: any JSON. */
  data?: EventSchema<Data>;
  /** How long to wait. Default 7 days. */
  timeout?: Duration;
}

/**
 * Wait for an event that another system sends, with `segno event` or a client:
 * `const { amount } = await waitForEvent('paid', { key: order, data: z.object({ amount: z.number() }), timeout: '3 days' });`
 *
 * Each event goes to one wait, the first for its name and key; one that comes before is kept for it.
 *
 * @returns its data
 * @throws ApplicationFailure `Event.Expired`; `Pattern.InvalidSteps` for what cannot be waited for
 */
export async function waitForEvent<Data = unknown>(
  name: string,
  { key, data: schema, timeout = '7d' }: EventOptions<Data> = {},
): Promise<Data> {
  const deadline = Deadline.after(timeout);
  const faults = [...nameFaults(name, key), ...waitFaults(timeout, deadline)];
  if (faults.length > 0) throw fail('Pattern.InvalidSteps', `waitForEvent ${name}: ${faults.join('; ')}`);

  const path = nextPath(`event/${name}`);
  const event = { name, ...(key !== undefined && { key }) };
  const until = new Date(deadline.atMs).toISOString();
  const wait: EventWait = { name, key, schema };
  let used = false;
  openWait(wait);
  showProgress(path, {
    pattern: 'waitForEvent',
    counts: {},
    waitsFor: `the event ${eventTitle(event)}, until ${until}`,
    event: { ...event, data: schema !== undefined },
  });
  try {
    if (!wait.taken) await condition(() => wait.taken !== undefined, deadline.leftMs);
    used = wait.taken !== undefined;
  } finally {
    closeWait(wait, used);
    endProgress(path);
  }
  if (!wait.taken) throw fail('Event.Expired', `${path}: the event did not come until ${until}`, path);
  const parsed = schema?.safeParse(wait.taken.data);
  return (parsed?.success ? parsed.data : wait.taken.data) as Data;
}

import { Context } from '@temporalio/activity';

const heartbeatIntervalMs = 1_000;

/**
 * Run `body` while telling Temporal every second that this attempt is alive; that is also how cancellation arrives.
 *
 * @param details how far it is, for people who look at the attempt
 */
export async function withHeartbeat<T>(body: () => Promise<T>, details: () => unknown = () => undefined): Promise<T> {
  const context = Context.current();
  if (context.info.isLocal) return body();
  const timer = setInterval(() => context.heartbeat(details()), heartbeatIntervalMs);
  try {
    return await body();
  } finally {
    clearInterval(timer);
  }
}

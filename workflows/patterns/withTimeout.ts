import type { Duration } from '../deadline.js';
import { nextPath } from '../scope.js';
import { complete } from '../settle.js';

/**
 * Run `body` for at most `timeout`. What still runs then is cancelled and waited for.
 *
 * @throws ApplicationFailure `Step.DeadlineExceeded`, or what `body` throws
 */
export function withTimeout<Output>(timeout: Duration, body: () => Promise<Output>): Promise<Output> {
  return complete(nextPath('withTimeout'), body, { timeout });
}

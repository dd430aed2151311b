import { SegnoError } from '../core/errors.js';

const shutdownGraceVariable = 'SEGNO_SHUTDOWN_GRACE_SECONDS';
/** Short, for people who press Ctrl-C; a cluster that stops workers at every deploy gives its own. */
const defaultSeconds = 5;
const maxSeconds = 3_600;

/**
 * How long a worker that is stopping lets running calls end by themselves, in milliseconds. What has not ended then is
 * cancelled: a model call is made again elsewhere, the outcome of a tool that may run once is unknown.
 *
 * @throws SegnoError `Config.Invalid`
 */
export function shutdownGraceMs(env: NodeJS.ProcessEnv): number {
  const text = env[shutdownGraceVariable];
  if (text === undefined || text.trim() === '') return defaultSeconds * 1_000;
  const seconds = Number(text);
  if (seconds >= 0 && seconds <= maxSeconds) return Math.round(seconds * 1_000);
  throw new SegnoError(
    'Config.Invalid',
    `${shutdownGraceVariable} is ${text}, and should be 0 to ${maxSeconds} seconds.`,
  );
}

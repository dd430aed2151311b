import { userInfo } from 'node:os';
import { SegnoError } from '../core/errors.js';

/** Who uses this machine, for what a person says without `--by`. */
export function userName(): string {
  try {
    return userInfo().username;
  } catch {
    throw new SegnoError('Approval.InvalidDecision', 'this machine does not know your name; say it with --by');
  }
}

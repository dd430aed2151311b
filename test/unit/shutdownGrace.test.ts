import { describe, expect, it } from 'vitest';
import { shutdownGraceMs } from '../../workers/shutdownGrace.js';

const graceOf = (text?: string) => shutdownGraceMs(text === undefined ? {} : { SEGNO_SHUTDOWN_GRACE_SECONDS: text });

describe('the grace of a worker that is stopping', () => {
  it('is five seconds, or what the environment says', () => {
    expect([graceOf(), graceOf(''), graceOf('0'), graceOf('80'), graceOf('0.5')]).toEqual([
      5_000, 5_000, 0, 80_000, 500,
    ]);
  });

  it.each(['soon', '-1', '90000', 'Infinity'])('is not %s', (text) => {
    expect(() => graceOf(text)).toThrowError(/SEGNO_SHUTDOWN_GRACE_SECONDS/);
  });
});

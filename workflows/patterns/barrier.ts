import { condition } from '@temporalio/workflow';
import { Deadline, type Duration } from '../deadline.js';
import { fail } from '../failure.js';

export interface BarrierOptions {
  /** How long a party waits for the others. */
  timeout: Duration;
}

/** A point that several branches pass together, as often as they like. */
export interface Barrier {
  /**
   * Wait until all parties have arrived.
   *
   * @returns the round that has ended, from 1
   * @throws ApplicationFailure `Step.DeadlineExceeded` when some did not come in time, then and from then on for all
   */
  arrive(): Promise<number>;
}

/**
 * A cyclic barrier for `parties` branches: each waits at `arrive()` until all are there. A party that fails never arrives: the
 * others then wait until the time limit, or until `parallel` cancels them because of that failure.
 *
 * @throws ApplicationFailure `Pattern.InvalidSteps`
 */
export function barrier(parties: number, { timeout }: BarrierOptions): Barrier {
  if (!Number.isInteger(parties) || parties < 1) {
    throw fail('Pattern.InvalidSteps', `barrier: parties: ${parties} is no positive number`);
  }
  let round = 1;
  let arrived = 0;
  let broken = false;
  return {
    async arrive() {
      const mine = round;
      if (broken) throw brokenBarrier(mine, arrived, parties);
      arrived += 1;
      if (arrived === parties) {
        round += 1;
        arrived = 0;
        return mine;
      }
      let passed: boolean;
      try {
        passed = await condition(() => round > mine || broken, Deadline.after(timeout).leftMs);
      } catch (error) {
        // A cancelled party is not there, although it had come.
        if (round === mine) arrived -= 1;
        throw error;
      }
      if (passed && round > mine) return mine;
      broken = true;
      throw brokenBarrier(mine, arrived, parties);
    },
  };
}

function brokenBarrier(round: number, arrived: number, parties: number): Error {
  return fail(
    'Step.DeadlineExceeded',
    `barrier: in round ${round} only ${arrived} of ${parties} parties arrived in time`,
  );
}

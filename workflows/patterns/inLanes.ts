import { CancellationScope } from '@temporalio/workflow';

/**
 * Run `body` for one number after the other, at most `concurrency` at once, until there is none left. The first failure cancels
 * the others, waits for their end, and is thrown; so is a cancellation that comes while a number is left.
 *
 * @param take the next number; undefined when there is none to begin
 */
export async function inLanes(
  concurrency: number,
  take: () => number | undefined,
  body: (number: number) => Promise<void>,
): Promise<void> {
  await CancellationScope.cancellable(async () => {
    const scope = CancellationScope.current();
    const lane = async (): Promise<void> => {
      for (let number = take(); number !== undefined; number = take()) {
        // What would not be run must not look as if it had been.
        if (scope.consideredCancelled) await scope.cancelRequested;
        await body(number);
      }
    };
    const lanes = Array.from({ length: concurrency }, lane);
    try {
      await Promise.all(lanes);
    } catch (error) {
      scope.cancel();
      await Promise.allSettled(lanes);
      throw error;
    }
  });
}

import { CancellationScope } from '@temporalio/workflow';

/**
 * Run `body` for one number after the other, at most `concurrency` at once, until it says so or there is none left. The first
 * failure cancels the others, waits for their end, and is thrown.
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
      for (let number = take(); number !== undefined && !scope.consideredCancelled; number = take()) await body(number);
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

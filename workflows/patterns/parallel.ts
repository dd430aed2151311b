import { CancellationScope } from '@temporalio/workflow';
import { nextPath, withinBranch } from '../scope.js';

type Branches = Record<string, () => Promise<unknown>>;
type Results<B extends Branches> = { [Name in keyof B]: Awaited<ReturnType<B[Name]>> };

/**
 * Run branches side by side and wait for all: a record of functions in, a record of results out.
 * The first failure cancels the other branches, waits until they have ended, and is thrown.
 */
export async function parallel<B extends Branches>(branches: B): Promise<Results<B>> {
  const path = nextPath('parallel');
  return CancellationScope.cancellable(async () => {
    const scope = CancellationScope.current();
    const running = Object.entries(branches).map(
      async ([name, run]) => [name, await withinBranch(path, name, run)] as const,
    );
    try {
      return Object.fromEntries(await Promise.all(running)) as Results<B>;
    } catch (error) {
      scope.cancel();
      await Promise.allSettled(running);
      throw error;
    }
  });
}

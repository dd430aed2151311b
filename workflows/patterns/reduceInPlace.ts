import { branchPath, withinBranch } from '../scope.js';
import { inLanes } from './inLanes.js';
import type { AnyMapReduce } from './mapReduceOptions.js';

/**
 * A reduction by functions of the workflow: `reduce` gets the outputs in groups of at most `fanIn`, `combine` what comes of them,
 * until one is left.
 *
 * @param pages of outputs; each is reduced before the next is asked for
 */
export async function reduceInPlace(
  path: string,
  {
    reduce,
    combine = reduce,
    fanIn = 50,
    concurrency = 4,
  }: Pick<AnyMapReduce, 'reduce' | 'combine' | 'fanIn' | 'concurrency'>,
  pages: AsyncIterable<unknown[]> | Iterable<unknown[]>,
): Promise<unknown> {
  let parts = await reduceFirst();
  for (let number = 2; parts.length > 1; number += 1) {
    const groups = inGroups(parts, fanIn);
    parts = await reduceAll(number, combine, groups, 0);
  }
  return parts[0];

  async function reduceFirst(): Promise<unknown[]> {
    const reduced: unknown[] = [];
    let left: unknown[] = [];
    for await (const page of pages) {
      const groups = inGroups([...left, ...page], fanIn);
      left = groups.length > 0 && groups.at(-1)!.length < fanIn ? groups.pop()! : [];
      reduced.push(...(await reduceAll(1, reduce, groups, reduced.length)));
    }
    if (left.length > 0 || reduced.length === 0) reduced.push(...(await reduceAll(1, reduce, [left], reduced.length)));
    return reduced;
  }

  /** @param first number of the first group in its level: each has a place of its own */
  async function reduceAll(
    level: number,
    step: typeof reduce,
    groups: readonly unknown[][],
    first: number,
  ): Promise<unknown[]> {
    const reduced: unknown[] = [];
    let next = 0;
    const take = (): number | undefined => (next < groups.length ? next++ : undefined);
    const levelPath = branchPath(path, `reduce#${level}`);
    await inLanes(Math.min(concurrency, groups.length), take, async (index) => {
      reduced[index] = await withinBranch(levelPath, String(first + index), async () => step!(groups[index]!));
    });
    return reduced;
  }
}

function inGroups(parts: readonly unknown[], size: number): unknown[][] {
  return Array.from({ length: Math.ceil(parts.length / size) }, (_, index) =>
    parts.slice(index * size, (index + 1) * size),
  );
}

import { branchPath, within } from '../scope.js';
import type { AnyMapReduce } from './mapReduceOptions.js';
import { parallel } from './parallel.js';

/**
 * A reduction by functions of the workflow: `reduce` gets the outputs in groups of at most `fanIn`, `combine` what comes of them,
 * until one is left.
 *
 * @param pages of outputs; each is reduced before the next is asked for
 */
export async function reduceInPlace(
  path: string,
  { reduce, combine = reduce, fanIn = 50, concurrency = 4 }: AnyMapReduce | Omit<AnyMapReduce, 'items'>,
  pages: AsyncIterable<unknown[]> | Iterable<unknown[]>,
): Promise<unknown> {
  const level = (number: number, body: () => Promise<unknown[]>) => within(branchPath(path, `reduce#${number}`), body);
  const reduceAll = async (step: typeof reduce, groups: unknown[][]): Promise<unknown[]> =>
    parallel(
      groups.map((group) => async () => step!(group)),
      { concurrency },
    );
  let parts = await level(1, async () => {
    const reduced: unknown[] = [];
    let left: unknown[] = [];
    for await (const page of pages) {
      const groups = inGroups([...left, ...page], fanIn);
      left = groups.length > 0 && groups.at(-1)!.length < fanIn ? groups.pop()! : [];
      if (groups.length > 0) reduced.push(...(await reduceAll(reduce, groups)));
    }
    if (left.length > 0 || reduced.length === 0) reduced.push(...(await reduceAll(reduce, [left])));
    return reduced;
  });
  for (let number = 2; parts.length > 1; number += 1) {
    const groups = inGroups(parts, fanIn);
    parts = await level(number, () => reduceAll(combine, groups));
  }
  return parts[0];
}

function inGroups(parts: readonly unknown[], size: number): unknown[][] {
  return Array.from({ length: Math.ceil(parts.length / size) }, (_, index) =>
    parts.slice(index * size, (index + 1) * size),
  );
}

import { mapReduce, proxyTools } from 'segno/workflow';

const { quickAdd } = proxyTools<typeof import('./tools.js')>();

/** So many numbers through a trivial tool, added up. */
export async function mapNumbers({ count }: { count: number }): Promise<number> {
  const { n } = await mapReduce({
    items: Array.from({ length: count }, (_, n) => ({ n })),
    map: quickAdd,
    reduce: (parts) => ({ n: parts.reduce((sum, part) => sum + part.n, 0) }),
  });
  return n;
}

import { parallel, proxyTools } from '../../../../workflows/index.js';

const { nap, record } = proxyTools<typeof import('./tools.js')>({ timeout: '1m' });

/** Goes on with a step that is named after the order in which quick steps ended, and what followed from each. */
export async function inOrder({ case: name, napsMs }: { case: string; napsMs: number[] }): Promise<string> {
  const seen: string[] = [];
  await nap({ ms: 1 });
  await Promise.all(
    napsMs.map(async (ms) => {
      await nap({ ms });
      seen.push(`${ms} ended`);
      for (let tick = 0; tick < 20; tick += 1) await Promise.resolve();
      seen.push(`${ms} followed`);
    }),
  );
  const order = seen.join(', ');
  await parallel({ [order]: () => record({ case: name, text: order }) });
  return order;
}

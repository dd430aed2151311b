import { proxyAgents, proxyTools } from 'segno/workflow';

const { clerk, buyer } = proxyAgents<typeof import('./agents.js')>({ timeout: '5m' });
const { book, mail } = proxyTools<typeof import('./tools.js')>({ timeout: '5m' });

/** Three model calls and three tools, one of each safety. */
export async function order({ item }: { item: string }): Promise<string> {
  const { answer } = await clerk({ item });
  await book({ item });
  const { place } = await buyer({ item });
  await mail({ item });
  return `${answer}, ${place}`;
}

/** One model call, then one effect that may happen once. */
export async function note({ item }: { item: string }): Promise<string> {
  const { answer } = await clerk({ item });
  await mail({ item });
  return answer;
}

import { proxyAgents, proxyTools } from 'segno/workflow';

const { summarizer, critic } = proxyAgents<typeof import('../../fixtures/historyProject/agents.js')>({
  timeout: '10m',
});
const { lookUp } = proxyTools<typeof import('../../fixtures/historyProject/tools.js')>();

export async function reviewText({ text }: { text: string }): Promise<string> {
  const slogan = await summarizer({ text });
  const { acceptable } = await critic({ slogan });
  if (!acceptable) return text;
  const { value } = await lookUp({ key: slogan });
  return value;
}

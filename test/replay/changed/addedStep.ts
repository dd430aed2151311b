import { proxyAgents } from 'segno/workflow';

const { summarizer } = proxyAgents<typeof import('../../fixtures/historyProject/agents.js')>({ timeout: '10m' });

export async function summarizeText({ text }: { text: string }): Promise<string> {
  const summary = await summarizer({ text });
  return summarizer({ text: summary });
}

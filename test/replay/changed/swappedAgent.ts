import { proxyAgents } from 'segno/workflow';

const { critic } = proxyAgents<typeof import('../../fixtures/historyProject/agents.js')>({ timeout: '10m' });

export async function summarizeText({ text }: { text: string }): Promise<string> {
  return (await critic({ slogan: text })).feedback.join();
}

import { proxyAgents } from 'segno/workflow';

const { researcher } = proxyAgents<typeof import('./agents.js')>({ timeout: '10m' });

export async function askResearcher({ question }: { question: string }): Promise<string> {
  return (await researcher({ question })).answer;
}

import { proxyTools } from 'segno/workflow';

const { repeat, hesitant } = proxyTools<typeof import('../../fixtures/historyProject/tools.js')>();

export async function repeatText(input: { text: string; times: number }): Promise<string> {
  const { text } = await repeat(input);
  const { value } = await hesitant({ key: text });
  return value;
}

/** Extractive summary: the sentences that hold most of what the text is about, in their own order. */
import type { Sentence } from './readText.js';
import { pickDistinct, rankSentences, type Query, type SentenceIndex } from './rankSentences.js';

const boilerplate =
  /\b(?:check mark|registrant|forward-looking|incorporated by reference|pursuant to (?:section|rule)|table of contents|see (?:accompanying )?note|see accompanying|all rights reserved|securities registered|copyright|regulation s-t)\b/i;

export function summarise(index: SentenceIndex, query: Query, count: number): Sentence[] {
  const total = index.sentences.length;
  const central = new Map<string, number>(query);
  const frequent = [...index.frequency]
    .filter(([, times]) => times > 1 || total < 12)
    .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
    .slice(0, 25);
  for (const [word, times] of frequent) central.set(word, (central.get(word) ?? 0) + 0.3 + times / (total + 1));
  const ranked = rankSentences(index, central, (sentence) => bonusOf(sentence, total));
  return pickDistinct(ranked, count).sort((a, b) => a.index - b.index);
}

/** Early sentences and those with figures tell more; forms and disclaimers less. */
export function bonusOf(sentence: Sentence, total: number): number {
  let bonus = sentence.index < 3 ? 1.2 : sentence.index < total * 0.1 ? 0.4 : 0;
  if (/\d[\d,.]*\s?(?:%|million|billion|crore|lakh)|[$€£₹]\s?\d/.test(sentence.text)) bonus += 0.6;
  if (boilerplate.test(sentence.text)) bonus -= 6;
  if (!/[.!?]["”’)]?$/.test(sentence.text)) bonus -= 0.5;
  return bonus;
}

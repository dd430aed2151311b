/** Sentences by relevance: BM25 over stems, with a document's own frequencies. Ties go to the earlier sentence. */
import { contentWords } from '../schema/fieldWords.js';
import type { Sentence } from './readText.js';

export interface SentenceIndex {
  readonly sentences: readonly Sentence[];
  readonly stems: readonly (readonly string[])[];
  /** In how many sentences a stem stands. */
  readonly frequency: ReadonlyMap<string, number>;
  readonly averageLength: number;
}

export function indexSentences(all: readonly Sentence[]): SentenceIndex {
  const sentences = all.filter((sentence) => isReadable(sentence.text));
  const cache = new Map<string, string>();
  const stems = sentences.map((sentence) => contentWords(sentence.text, cache));
  const frequency = new Map<string, number>();
  let total = 0;
  for (const words of stems) {
    total += words.length;
    for (const word of new Set(words)) frequency.set(word, (frequency.get(word) ?? 0) + 1);
  }
  return { sentences, stems, frequency, averageLength: total / Math.max(1, sentences.length) };
}

/** Running text: not a heading, a form's boilerplate or a row of figures. */
function isReadable(text: string): boolean {
  if (text.length < 12 || text.length > 900) return false;
  let letters = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if ((code | 32) >= 97 && (code | 32) <= 122) letters += 1;
    else if (code > 191 && code < 0x2000) letters += 1;
    else if (code > 0x2e7f) letters += 1;
  }
  return letters > text.length * 0.5;
}

export interface Ranked {
  readonly sentence: Sentence;
  readonly score: number;
}

/** Weight of each query stem; negative ones push away. */
export type Query = ReadonlyMap<string, number>;

export function queryOf(...parts: readonly (readonly [text: string, weight: number])[]): Query {
  const query = new Map<string, number>();
  for (const [text, weight] of parts) {
    for (const word of contentWords(text)) query.set(word, Math.max(query.get(word) ?? 0, weight));
  }
  return query;
}

export function rankSentences(index: SentenceIndex, query: Query, bonus?: (sentence: Sentence) => number): Ranked[] {
  const count = index.sentences.length;
  const ranked: Ranked[] = [];
  index.sentences.forEach((sentence, at) => {
    const words = index.stems[at] ?? [];
    let score = 0;
    const seen = new Map<string, number>();
    for (const word of words) if (query.has(word)) seen.set(word, (seen.get(word) ?? 0) + 1);
    for (const [word, times] of seen) {
      const documents = index.frequency.get(word) ?? 0;
      const rarity = Math.log(1 + (count - documents + 0.5) / (documents + 0.5));
      const length = 0.4 + (0.6 * words.length) / Math.max(1, index.averageLength);
      score += ((query.get(word) ?? 0) * rarity * (times * 2.2)) / (times + 1.2 * length);
    }
    score += bonus?.(sentence) ?? 0;
    if (score > 0) ranked.push({ sentence, score });
  });
  return ranked.sort((a, b) => b.score - a.score || a.sentence.index - b.sentence.index);
}

/** The first `count` that say different things: no more than 60 % of the words shared with one already chosen. */
export function pickDistinct(ranked: readonly Ranked[], count: number): Sentence[] {
  const chosen: { sentence: Sentence; words: Set<string> }[] = [];
  for (const { sentence } of ranked.slice(0, 400)) {
    if (chosen.length >= count) break;
    const words = new Set(contentWords(sentence.text));
    const isRepeat = chosen.some((other) => {
      const shared = [...words].filter((word) => other.words.has(word)).length;
      return shared > 0.6 * Math.min(words.size, other.words.size);
    });
    if (!isRepeat) chosen.push({ sentence, words });
  }
  return chosen.map((one) => one.sentence);
}

/** Keywords by frequency, capitals and length; two-word terms that recur come before their parts. */
import { isStopWord, stem } from '../schema/fieldWords.js';

export function keywords(text: string, count: number): string[] {
  const words = text.slice(0, 200_000).match(/[\p{L}][\p{L}\p{N}’'&-]{1,30}|[.,;:!?()\n]/gu) ?? [];
  const scores = new Map<string, { score: number; shown: string; first: number }>();
  const add = (key: string, shown: string, score: number, first: number): void => {
    const known = scores.get(key);
    scores.set(key, { score: (known?.score ?? 0) + score, shown: known?.shown ?? shown, first: known?.first ?? first });
  };
  const isContent = (word: string | undefined): word is string =>
    word !== undefined && /^\p{L}/u.test(word) && word.length > 2 && !isStopWord(word.toLowerCase());
  words.forEach((word, at) => {
    if (!isContent(word)) return;
    const lower = word.toLowerCase();
    add(
      stem(lower),
      lower,
      1 +
        (word.length > 7 ? 0.3 : 0) +
        (/^\p{Lu}/u.test(word) && at > 0 && /^\p{L}/u.test(words[at - 1] ?? '') ? 0.4 : 0),
      at,
    );
    const next = words[at + 1];
    if (isContent(next)) add(`${stem(lower)} ${stem(next.toLowerCase())}`, `${lower} ${next.toLowerCase()}`, 1.1, at);
  });
  const ranked = [...scores.entries()]
    .filter(([key, one]) => !key.includes(' ') || one.score > 1.5)
    .map(([key, one]) => ({ key, ...one, score: one.score * (key.includes(' ') ? 1.6 : 1) }))
    .sort((a, b) => b.score - a.score || a.first - b.first);
  const chosen: { key: string; shown: string }[] = [];
  for (const one of ranked) {
    if (chosen.length >= count) break;
    const covered = chosen.some(
      (other) => other.key.split(' ').includes(one.key) || one.key.split(' ').includes(other.key),
    );
    if (!covered) chosen.push(one);
  }
  return chosen.map((one) => one.shown);
}

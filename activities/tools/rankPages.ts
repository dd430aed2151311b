/**
 * Which pages of a document say most about some questions, by BM25.
 *
 * Invariants:
 * 1. Deterministic: equal scores keep document order.
 * 2. Each question picks in turn, so one with many hits cannot crowd out another's only page.
 */
const saturation = 1.2;
const lengthWeight = 0.75;

/** @returns indices of `pages` with at least one word of a query, most useful first */
export function rankPages(pages: readonly string[], queries: readonly string[]): number[] {
  const counts = pages.map(wordCounts);
  const lengths = counts.map((words) => [...words.values()].reduce((sum, count) => sum + count, 0));
  const average = lengths.reduce((sum, length) => sum + length, 0) / Math.max(1, pages.length) || 1;
  const rankings = queries.map((query) => {
    const scores = pages.map(() => 0);
    for (const word of wordCounts(query).keys()) {
      const holders = counts.filter((words) => words.has(word)).length;
      const rarity = Math.log(1 + (pages.length - holders + 0.5) / (holders + 0.5));
      counts.forEach((words, index) => {
        const count = words.get(word) ?? 0;
        const norm = saturation * (1 - lengthWeight + (lengthWeight * (lengths[index] ?? 0)) / average);
        scores[index] = (scores[index] ?? 0) + (rarity * count * (saturation + 1)) / (count + norm);
      });
    }
    return scores
      .map((score, index) => ({ score, index }))
      .filter(({ score }) => score > 0)
      .sort((a, b) => b.score - a.score || a.index - b.index)
      .map(({ index }) => index);
  });
  return takeTurns(rankings);
}

function takeTurns(rankings: readonly number[][]): number[] {
  const taken = new Set<number>();
  const next = rankings.map(() => 0);
  for (let left = true; left;) {
    left = false;
    rankings.forEach((ranking, turn) => {
      let at = next[turn] ?? 0;
      while (at < ranking.length && taken.has(ranking[at] ?? -1)) at++;
      const page = ranking[at];
      next[turn] = at + 1;
      if (page === undefined) return;
      taken.add(page);
      left = true;
    });
  }
  return [...taken];
}

function wordCounts(text: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const [word] of text.toLowerCase().matchAll(/[\p{L}\d]+/gu)) {
    const stem = word.length > 3 && word.endsWith('s') && !word.endsWith('ss') ? word.slice(0, -1) : word;
    counts.set(stem, (counts.get(stem) ?? 0) + 1);
  }
  return counts;
}

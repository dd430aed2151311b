/** Numbers and words of instructions: how many items, how long a text. */
const numberWords: Readonly<Record<string, number>> = {
  one: 1, two: 2, three: 3, four: 4, five: 5, six: 6, seven: 7, eight: 8, nine: 9, ten: 10, a: 1, single: 1,
}; // prettier-ignore

/** `at most five risks`, `3-5 keywords`, `top 3`: the upper number named beside the words, or null. */
export function wantedCount(text: string, words: readonly string[]): number | null {
  const what = words
    .map((word) => word.replace(/[^\p{L}\p{N}]/gu, '').replace(/s$/, ''))
    .filter((word) => word.length > 2);
  const pattern = new RegExp(
    `\\b(\\d{1,2}|one|two|three|four|five|six|seven|eight|nine|ten)(?:\\s?(?:-|–|to|or)\\s?(\\d{1,2}|two|three|four|five|six|seven|eight|nine|ten))?\\s+(?:[\\w-]+\\s){0,2}?(?:${[...what, 'item', 'bullet', 'point', 'entrie', 'entry'].join('|')})`,
    'i',
  );
  const match =
    pattern.exec(text) ??
    /\b(?:top|at most|up to|no more than|maximum(?: of)?)\s+(\d{1,2}|two|three|four|five|six|seven|eight|nine|ten)\b/i.exec(
      text,
    );
  const word = (match?.[2] ?? match?.[1])?.toLowerCase();
  if (word === undefined) return null;
  const count = numberWords[word] ?? Number(word);
  return Number.isInteger(count) && count > 0 ? Math.min(count, 50) : null;
}

/** How many sentences a text of this description should have. */
export function wantedSentences(text: string): number | null {
  const match =
    /\b(\d{1,2}|one|two|three|four|five|six|a single)(?:\s?(?:-|–|to|or)\s?(\d{1,2}|two|three|four|five|six))?[\s-]+(?:\w+\s)?sentences?\b/i.exec(
      text,
    );
  const word = (match?.[2] ?? match?.[1])?.toLowerCase().replace(/^a\s/, '');
  if (word !== undefined) return numberWords[word] ?? (Number(word) || null);
  if (/\bone[\s-]liner?\b|\bbrief(?:ly)?\b|\bshort\b/i.test(text)) return 2;
  return /\b(?:detailed|comprehensive|full|long)\b/i.test(text) ? 8 : null;
}
